// The eight bits that a list says of a candidate, and what saying something does to them.

export const VERDICT = 3;
export const ACCEPTED = 1;
export const REJECTED = 2;
export const NEEDS = 4;
export const STARRED = 8;
export const DISAGREED = 16;
export const LEADS = 32;
export const HIDDEN = 64;
export const MORE = 128;

/** The bits after `action`, as far as the page can know before the server answers. */
export function after(flags, { action, settles }) {
  if (settles) flags &= ~DISAGREED;
  switch (action) {
    case "accept":
      return (flags & ~(VERDICT | NEEDS)) | ACCEPTED;
    case "reject":
      return (flags & ~(VERDICT | NEEDS)) | REJECTED;
    case "undecide":
      return (flags & ~VERDICT) | NEEDS;
    case "star":
      return flags | STARRED;
    case "unstar":
      return flags & ~STARRED;
    case "more":
      return flags | MORE;
    case "unmore":
      return flags & ~MORE;
    default:
      return flags;
  }
}
