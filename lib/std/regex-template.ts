// Replacement templates as Go's regexp.Expand reads them: `$1`, `${1}`, `$name`, `${name}`, `$$`. A name is the longest
// run of letters, digits and underscores, so `$1x` asks for the group "1x". Source: Go regexp, Expand and extract.

/** Literal text, or a reference to a group by number or name. */
export type TemplatePart = string | { readonly group: number } | { readonly name: string }

const NAME = /^(?:\{([\p{L}\p{Nd}_]+)\}|([\p{L}\p{Nd}_]+))/u

/** Splits a template; a `$` that starts no reference is plain text. */
export function parseTemplate(template: string): readonly TemplatePart[] {
  const parts: TemplatePart[] = []
  let literal = ''
  for (let at = 0; at < template.length;) {
    const dollar = template.indexOf('$', at)
    if (dollar < 0) {
      literal += template.slice(at)
      break
    }
    literal += template.slice(at, dollar)
    at = dollar + 1
    if (template[at] === '$') {
      literal += '$'
      at++
      continue
    }
    const reference = NAME.exec(template.slice(at))
    if (!reference) {
      literal += '$'
      continue
    }
    if (literal !== '') parts.push(literal)
    literal = ''
    parts.push(refer((reference[1] ?? reference[2])!))
    at += reference[0].length
  }
  if (literal !== '') parts.push(literal)
  return parts
}

/** The template filled in; a group that is missing or took no part is empty. */
export function expandTemplate(parts: readonly TemplatePart[], groupNames: readonly string[], textOf: (group: number) => string | null): string {
  return parts
    .map((part) => {
      if (typeof part === 'string') return part
      if ('group' in part) return part.group < groupNames.length ? (textOf(part.group) ?? '') : ''
      // Of several groups of a name the first that took part counts.
      for (let group = 1; group < groupNames.length; group++) {
        const text = groupNames[group] === part.name ? textOf(group) : null
        if (text !== null) return text
      }
      return ''
    })
    .join('')
}

function refer(name: string): TemplatePart {
  return /^(?:0|[1-9][0-9]{0,8})$/.test(name) ? { group: Number(name) } : { name }
}
