"""What stands of a candidate's entries: held against a slow reference, and said in sentences."""

import random
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from collection_db.ledger import AUTO, NOTHING_SAID, Word, fold, in_force, opinions, seen_by

BEGAN = datetime(2026, 11, 1, tzinfo=UTC)
VERDICTS = {"accept": "accept", "reject": "reject", "undecide": "undecided"}
PEOPLE = ("ann", "bob", "eve", AUTO)


def at(second):
    return BEGAN + timedelta(seconds=second)


def ledger(*said):
    """Entries of (curator, action, changes), one a second; "undo" is followed by the number that it takes back."""
    plain = {"value": "", "note": "", "settles": False, "undoes": None}
    rows = [
        {"curator": curator, "action": action, "number": number, "decided_at": at(number), **changes}
        for number, (curator, action, changes) in enumerate(said, start=1)
    ]
    return [SimpleNamespace(**plain | row) for row in rows]


def said(text):
    """Entries in short: "ann accept, bob tag=eyes, ann undo=1, bob reject!" (! settles)."""
    entries = []
    for one in text.split(", "):
        curator, what = one.split(" ")
        action, _, value = what.rstrip("!").partition("=")
        change = {"undoes": int(value)} if action == "undo" else {"note" if action == "note" else "value": value}
        entries.append((curator, action, change | {"settles": what.endswith("!")}))
    return ledger(*entries)


def left_over(entries):
    """The reference: the newest undo is struck out together with what it takes back, until there is none."""
    entries = list(entries)
    while undos := [entry for entry in entries if entry.action == "undo"]:
        newest = undos[-1]
        entries = [entry for entry in entries if entry is not newest and entry.number != newest.undoes]
    return entries


def verdict_after(entries):
    verdicts = [entry for entry in left_over(entries) if entry.action in VERDICTS]
    return verdicts[-1] if verdicts else None


def latest(entries, *actions):
    """The newest of these actions that is left over, or None."""
    found = [entry for entry in left_over(entries) if entry.action in actions]
    return found[-1] if found else None


def words(entries):
    """Each curator's last verdict since the last settling one."""
    verdicts = [entry for entry in left_over(entries) if entry.action in VERDICTS]
    settled = max((place for place, entry in enumerate(verdicts) if entry.settles), default=0)
    return {entry.curator: VERDICTS[entry.action] for entry in verdicts[settled:]}


def accepted_since(entries):
    """Replay after every entry: since when was "accept" what stood, without a break?"""
    since = None
    for count in range(1, len(entries) + 1):
        last = verdict_after(entries[:count])
        if last is None or last.action != "accept":
            since = None
        elif since is None:
            since = entries[count - 1].decided_at
    return since


def own_word(entries, who):
    """What `who` says: now, and before they could see another's."""
    verdicts = [entry for entry in left_over(entries) if entry.action in VERDICTS and entry.curator != AUTO]
    unseen, now = None, None
    for place, entry in enumerate(verdicts):
        if entry.curator == who:
            now = entry.action if entry.action != "undecide" else None
            latest_of_others = {one.curator: one.action for one in verdicts[:place] if one.curator != who}
            sees = bool({"accept", "reject"} & set(latest_of_others.values()))
            if not entry.settles and (not sees or unseen is None):
                unseen = now
    star = latest([one for one in left_over(entries) if one.curator == who], "star", "unstar")
    return Word(who, now, unseen, star is not None and star.action == "star")


def slowly(entries):
    """`fold`, one question at a time."""
    verdict, chosen = verdict_after(entries), latest(entries, "lead", "unlead")
    noted = [entry.note for entry in left_over(entries) if entry.action in (*VERDICTS, "note") and entry.note]
    stars = [latest([one for one in left_over(entries) if one.curator == who], "star", "unstar") for who in PEOPLE]
    all_tags = {entry.value for entry in entries if entry.action == "tag"}
    tags = {tag: latest([one for one in left_over(entries) if one.value == tag], "tag", "untag") for tag in all_tags}
    people = {word for who, word in words(entries).items() if who != AUTO}
    named, more = latest(entries, "rename"), latest(entries, "more", "unmore")
    own = [own_word(entries, who) for who in PEOPLE if who != AUTO]
    return {
        "verdict": VERDICTS[verdict.action] if verdict else "undecided",
        "curator": verdict.curator if verdict else None,
        "decided_at": verdict.decided_at if verdict else None,
        "accepted_at": accepted_since(entries),
        "note": noted[-1] if noted else "",
        "name": named.value if named else "",
        "disagreed": "accept" in people and "reject" in people,
        "stars": sum(star is not None and star.action == "star" for star in stars),
        "chosen": chosen.number if chosen and chosen.action == "lead" else None,
        "entries": len(entries),
        "judged": any(entry.action in VERDICTS for entry in entries),
        "people": sum(word.verdict is not None for word in own),
        "more": more is not None and more.action == "more",
        "words": frozenset(word for word in own if word != Word(word.curator, None, None, False)),
        "tags": frozenset(tag for tag, last in tags.items() if last and last.action == "tag"),
    }


def random_ledger(chance):
    plain = ["accept", "reject", "undecide", "accept", "reject", "star", "unstar", "tag", "untag", "note", "rename"]
    entries, second = [], 0
    for number in range(1, chance.randint(0, 14) + 1):
        second += chance.random() < 0.8  # else in the same step
        action = chance.choice([*plain, "lead", "unlead", "more", "unmore", "undo", "undo", "undo", "undo"])
        row = {"number": number, "action": action, "curator": chance.choice(PEOPLE), "decided_at": at(second)}
        row |= {"value": "", "note": "", "settles": False, "undoes": None}
        if action == "undo":
            if not entries:
                continue
            row["undoes"] = chance.choice(entries[-4:]).number
        elif action in VERDICTS:
            row |= {"settles": chance.random() < 0.2, "note": chance.choice(["", "", "nice"])}
        elif action in ("tag", "untag"):
            row["value"] = chance.choice(["eyes", "hat", "pond"])
        elif action == "rename":
            row["value"] = chance.choice(["", "Bert", "Toad of Toads"])
        elif action == "note":
            row["note"] = chance.choice(["look again", "blurred"])
        entries.append(SimpleNamespace(**row))
    return entries


@pytest.mark.parametrize("seed", range(4))
def test_random_ledgers_agree_with_the_reference(seed):
    chance = random.Random(seed)
    seen = {"disagreed": 0, "undone": 0, "redone": 0, "accepted late": 0}
    for _ in range(3_000):
        entries = random_ledger(chance)
        standing = fold(entries)
        assert vars(standing) == slowly(entries), entries
        assert in_force(entries) == left_over(entries)
        assert opinions(in_force(entries)) == words(entries)
        seen["disagreed"] += standing.disagreed
        seen["undone"] += len(in_force(entries)) < len(entries)
        undos = {entry.number for entry in entries if entry.action == "undo"}
        seen["redone"] += any(entry.undoes in undos for entry in entries)
        seen["accepted late"] += bool(standing.accepted_at and standing.accepted_at > standing.decided_at)
    assert min(seen.values()) > 20, seen  # the ledgers were not all dull


@pytest.mark.parametrize(
    ("text", "sees"),
    [
        ("bob accept, bob tag=eyes, bob star", []),  # until ann says something herself
        ("bob accept, ann star", [2]),
        ("bob accept, ann undecide", [2]),
        ("bob accept, ann reject", [1, 2]),
        ("bob accept, ann reject, ann undo=2", [2, 3]),
        ("bob accept, eve accept", [1, 2]),  # it waits for nobody any more
        ("bob accept, eve accept, bob undo=1", []),
        ("bob tag=eyes, bob note", [1, 2]),
        ("auto accept", [1]),
        ("auto accept, bob reject", []),
        ("ann star, bob accept, bob undo=1", [1, 3]),  # what takes back her own
    ],
)
def test_others_are_seen_after_ones_own_verdict(text, sees):
    assert [entry.number for entry in seen_by("ann", said(text))] == sees


def test_verdict_given_before_others_were_seen_is_kept():
    [ann, bob] = sorted(fold(said("ann reject, ann accept, bob reject, ann reject, bob accept")).words)
    assert (ann.unseen, ann.verdict) == ("accept", "reject")  # she changed her mind alone, and again with bob's in view
    assert (bob.unseen, bob.verdict) == ("reject", "accept")


def test_who_only_settles_has_no_unseen_verdict():
    words = {word.curator: word for word in fold(said("ann accept, bob reject, eve accept!")).words}
    assert words["eve"] == Word("eve", "accept", None, False) and words["bob"].unseen == "reject"


def test_nothing_said_stands_undecided():
    assert fold([]) == NOTHING_SAID
    assert (NOTHING_SAID.verdict, NOTHING_SAID.judged, NOTHING_SAID.entries) == ("undecided", False, 0)


def test_last_verdict_stands_whoever_gave_it():
    standing = fold(said("ann accept, bob undecide, eve reject"))
    assert (standing.verdict, standing.curator, standing.decided_at) == ("reject", "eve", at(3))
    assert standing.accepted_at is None


def test_undo_brings_the_former_verdict_back():
    standing = fold(said("ann accept, bob reject, bob undo=2"))
    assert (standing.verdict, standing.curator, standing.decided_at) == ("accept", "ann", at(1))
    assert fold(said("ann accept, ann undo=1")).verdict == "undecided"


def test_undone_undo_lets_it_stand_again():
    entries = said("ann accept, bob reject, bob undo=2, bob undo=3")
    assert fold(entries).verdict == "reject"
    assert [entry.number for entry in in_force(entries)] == [1, 2]
    assert fold(said("ann accept, bob reject, bob undo=2, bob undo=3, bob undo=4")).verdict == "accept"


def test_accepted_since_it_became_accepted():
    assert fold(said("ann accept, bob accept, ann accept")).accepted_at == at(1)
    assert fold(said("ann accept, ann reject, bob accept, ann accept")).accepted_at == at(3)
    assert fold(said("ann accept, ann undecide, ann accept")).accepted_at == at(3)
    assert fold(said("ann accept, ann star, bob tag=eyes")).accepted_at == at(1)


def test_acceptance_brought_back_counts_from_the_undo():
    standing = fold(said("ann accept, bob reject, bob undo=2"))
    assert (standing.decided_at, standing.accepted_at) == (at(1), at(3))
    assert fold(said("ann accept, bob accept, ann undo=1")).accepted_at == at(1)  # it never was anything else


def test_settling_ends_a_disagreement():
    assert fold(said("ann accept, bob reject")).disagreed
    assert not fold(said("ann accept, bob reject, eve reject!")).disagreed
    assert not fold(said("ann accept, bob reject, bob accept")).disagreed
    assert fold(said("ann accept, bob reject, eve reject!, eve undo=3")).disagreed


def test_contrary_word_after_settling_disagrees():
    assert fold(said("ann accept, bob reject, eve reject!, ann accept")).disagreed
    assert not fold(said("ann accept, bob reject, eve reject!, ann reject")).disagreed
    assert not fold(said("ann accept, bob reject, eve reject!, eve accept")).disagreed


def test_nobody_disagrees_with_a_machine():
    assert not fold(said("auto accept, ann reject")).disagreed
    assert not fold(said("ann reject, auto accept")).disagreed
    assert not fold(said("ann accept, ann reject")).disagreed  # nor anybody with themselves
    assert not fold(said("ann accept, bob undecide")).disagreed


def test_taken_back_verdict_still_judged():
    assert fold(said("ann accept, ann undo=1")).judged
    assert not fold(said("ann star, bob tag=eyes, ann lead")).judged


def test_stars_are_counted_by_people():
    assert fold(said("ann star, ann star, bob star")).stars == 2
    assert fold(said("ann star, bob star, ann unstar")).stars == 1
    assert fold(said("ann star, bob unstar")).stars == 1  # nobody takes another's star


def test_tags_belong_to_all():
    assert fold(said("ann tag=eyes, ann tag=hat, bob untag=eyes")).tags == {"hat"}
    assert fold(said("ann tag=eyes, bob untag=eyes, ann undo=2")).tags == {"eyes"}


def test_last_note_and_name_stand():
    entries = said("ann note=first, bob note=second, ann rename=Bert, bob rename=Toad, bob undo=4")
    assert (fold(entries).note, fold(entries).name) == ("second", "Bert")
    verdict = ledger(("ann", "accept", {"note": "lovely"}), ("bob", "reject", {}))
    assert fold(verdict).note == "lovely"  # a verdict without one takes none away
    assert fold(said("ann rename=Bert, ann rename=")).name == ""


def test_chosen_names_the_choosing_entry():
    assert fold(said("ann accept, ann lead")).chosen == 2
    assert fold(said("ann lead, bob lead")).chosen == 2
    assert fold(said("ann lead, bob unlead")).chosen is None
    assert fold(said("ann lead, bob unlead, bob undo=2")).chosen == 1


def test_opinions_list_each_ones_last_word():
    assert opinions(said("ann accept, bob reject, ann undecide, auto accept")) == {
        "ann": "undecided",
        "bob": "reject",
        "auto": "accept",
    }
    assert opinions(said("ann accept, bob reject, eve reject!, ann accept")) == {"eve": "reject", "ann": "accept"}
