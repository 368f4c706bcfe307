// What a person set up on this machine: kept in the browser, and done without where the browser keeps nothing.

export function kept(name, otherwise) {
  try {
    return JSON.parse(localStorage.getItem(`toadworks ${name}`)) ?? otherwise;
  } catch {
    return otherwise; // unreadable, or not allowed: as if it had never been set
  }
}

export function keep(name, value) {
  try {
    localStorage.setItem(`toadworks ${name}`, JSON.stringify(value));
  } catch {
    // the setting then lasts as long as the page
  }
}
