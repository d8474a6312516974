// `title` of templates, golang.org/x/text/cases: the first cased letter of each word becomes its title form; of Alertmanager's all others
// become small, of Prometheus' (NoLower) nothing else changes. Words end where neither letter, mark, digit nor a joiner inside a word stands.

/** Joins two letters into one word: MidLetter, MidNumLet and ExtendNumLet of UAX #29, as x/text has them. */
const WORD = /[\p{L}\p{M}\p{Nd}_]+(?:['.:·’․‧︰︓﹕﹒＇．：][\p{L}\p{M}\p{Nd}_]+)*/gu

export function titleCase(text: string): string {
  return text.replace(WORD, (word) => word.replace(/\p{L}/u, (letter) => TITLE.get(letter) ?? letter.toUpperCase()))
}

/** Alertmanager's. */
export function titleCaseAlone(text: string): string {
  return titleCase(text.toLowerCase())
}

/** Letters whose title form is not their upper form. */
const TITLE: ReadonlyMap<string, string> = new Map([
  ['ß', 'Ss'], ['Ǆ', 'ǅ'], ['ǅ', 'ǅ'], ['ǆ', 'ǅ'], ['Ǉ', 'ǈ'], ['ǈ', 'ǈ'], ['ǉ', 'ǈ'], ['Ǌ', 'ǋ'], ['ǋ', 'ǋ'], ['ǌ', 'ǋ'],
  ['Ǳ', 'ǲ'], ['ǲ', 'ǲ'], ['ǳ', 'ǲ'], ['ﬁ', 'Fi'], ['ﬂ', 'Fl'], ['ﬀ', 'Ff'],
])
