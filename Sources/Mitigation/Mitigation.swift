// Mitigation: attacks in, desired announcements out. Chooses the rule for an attack from its template, holds it against
// the guard rails, and keeps the ledger: the one owner of all announcements, who asked for each of them, why, and until
// when. It returns what is to be done, in order; the shell does it. Nothing is announced that was not persisted before.
