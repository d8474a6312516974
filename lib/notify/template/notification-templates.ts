// The templates of notifications: those that are always there, then those of the user's files, twice: as text, and as HTML
// with every value escaped for the place it stands in. A field of an integration is a template of its own that may call them.
import { alertmanagerFunctions } from '../../template/alertmanager-funcs.ts'
import { TemplateError, Templates, TemplateSyntaxError } from '../../template/template.ts'
import { CallError, GoMap, type GoObject } from '../../template/value.ts'
import type { Clock } from '../../std/clock.ts'
import { defaultHtmlTemplate } from './default-html.ts'
import { defaultTextTemplates } from './default-text.ts'

export interface TemplateFile {
  /** What messages call it: the file's name without its folder. */
  name: string
  text: string
}

export class NotificationTemplates {
  readonly #base: Templates
  /** By the text of the field; fields are of the configuration, so there are not many. */
  readonly #fields = new Map<string, Templates>()
  /** What the function routeLabels gives while a template is executed. */
  #labelOf: (name: string) => string = () => ''

  /** Throws TemplateSyntaxError for the first file that is none. */
  constructor(files: readonly TemplateFile[], clock: Clock) {
    this.#base = new Templates({ functions: alertmanagerFunctions(() => clock.now(), (name) => this.#labelOf(name)), isMissingKeyZero: true })
    this.#base.parse('default', defaultTextTemplates()).parse('default', defaultHtmlTemplate())
    for (const { name, text } of files) this.#base.parse(name, text)
  }

  /** What is wrong with a field's template as it stands; null: nothing. */
  check(field: string): string | null {
    try {
      this.#parsed(field)
      return null
    } catch (error) {
      if (error instanceof TemplateSyntaxError) return error.message
      throw error
    }
  }

  /** Throws TemplateError, TemplateSyntaxError. */
  text(field: string, data: GoObject): string {
    // Fast path: many fields are plain.
    return field.includes('{{') ? this.#withLabels(labelsIn(data), () => this.#parsed(field).execute('', data)) : field
  }

  /** As `text`, for a part that is read as HTML. */
  html(field: string, data: GoObject): string {
    return field.includes('{{') ? this.#withLabels(labelsIn(data), () => this.#parsed(field).executeHtml('', data)) : field
  }

  /** A route's labels, which are templates that may ask for each other; one that fails is left out. After alertmanager template/template.go. */
  routeLabels(raw: ReadonlyMap<string, string>, data: GoObject): Map<string, string> {
    const rendered = new Map<string, string>()
    const open: string[] = []
    const labelOf = (name: string): string => {
      const known = rendered.get(name)
      const template = raw.get(name)
      if (known !== undefined || template === undefined) return known ?? ''
      if (open.includes(name)) throw new CallError(`route label cycle detected: ${[...open, name].join(' -> ')}`)
      open.push(name)
      try {
        const text = template.includes('{{') ? this.#parsed(template).execute('', data) : template
        rendered.set(name, text)
        return text
      } finally {
        open.pop()
      }
    }
    return this.#withLabels(labelOf, () => {
      for (const name of raw.keys()) {
        try {
          labelOf(name)
        } catch (error) {
          if (!(error instanceof TemplateError) && !(error instanceof TemplateSyntaxError)) throw error
        }
      }
      return rendered
    })
  }

  /** Templates run to their end without waiting, so that no other comes between. */
  #withLabels<T>(labelOf: (name: string) => string, run: () => T): T {
    this.#labelOf = labelOf
    return run()
  }

  #parsed(field: string): Templates {
    let parsed = this.#fields.get(field)
    if (parsed === undefined) {
      parsed = this.#base.clone().parse('', field)
      this.#fields.set(field, parsed)
    }
    return parsed
  }
}

function labelsIn({ fields }: GoObject): (name: string) => string {
  const labels = fields.get('RouteLabels')
  return (name) => {
    const value = labels instanceof GoMap ? labels.entries.get(name) : undefined
    return typeof value === 'string' ? value : ''
  }
}

export { TemplateError, TemplateSyntaxError }
