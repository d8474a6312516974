// A text that a template made inside a structure: where it is YAML of another type than a text it becomes that, as in
// Alertmanager (template.DeepCopyWithTemplate): `{{ len .Alerts }}` is a number, `{{ .Alerts | toJson }}` a list.
import { jsonOf, type Json } from '../../config/receivers/section.ts'
import { parseYaml } from '../../config/yaml-node.ts'

export function typedText(text: string): Json {
  let isYaml = true
  const { root } = parseYaml(text, () => (isYaml = false))
  if (!isYaml) return text
  const value: Json = root === null ? null : jsonOf(root)
  // YAML drops comments, spaces and line breaks of plain texts; only a text that is JSON means to be read.
  return typeof value === 'string' ? (jsonText(text) ?? text) : value
}

function jsonText(text: string): string | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'string' ? value : null
  } catch {
    // No JSON: a text as it is.
    return null
  }
}
