// The templates of notifications: those that are always there, then those of the user's files, twice: as text, and as HTML
// with every value escaped for the place it stands in. A field of an integration is a template of its own that may call them.
import { alertmanagerFunctions } from '../../template/alertmanager-funcs.ts'
import { TemplateError, Templates, TemplateSyntaxError } from '../../template/template.ts'
import type { GoObject } from '../../template/value.ts'
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

  /** Throws TemplateSyntaxError for the first file that is none. */
  constructor(files: readonly TemplateFile[], clock: Clock) {
    this.#base = new Templates({ functions: alertmanagerFunctions(() => clock.now()), isMissingKeyZero: true })
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
    return field.includes('{{') ? this.#parsed(field).execute('', data) : field
  }

  /** As `text`, for a part that is read as HTML. */
  html(field: string, data: GoObject): string {
    return field.includes('{{') ? this.#parsed(field).executeHtml('', data) : field
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

export { TemplateError, TemplateSyntaxError }
