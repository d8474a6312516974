// What `monitor test --help` says; apart from the tool, which is loaded when it runs.

export const TEST_HELP = `Usage: monitor test rules FILE...

Runs rule tests in promtool's format. Exit code 1 where one fails.

  --run=PATTERN            only test groups whose names match; may be repeated
  --diff                   alerts that differ as one text, in colours: green came, red did not, yellow is another value
  --debug                  what all series and rules hold at the end of each test group
  --junit=FILE             results as JUnit XML, too
  --ignore-unknown-fields  passes over unknown keys of rule files
  --enable-feature=NAME    features of the language, as for the server
`
