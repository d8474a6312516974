// What `monitor check --help` says; apart from the tool, which is loaded when it runs.

export const CHECK_HELP = `Usage: monitor check rules [FILE...]

Checks rule files, or standard input, and says where each fault is. Exit code 1 for faults.

  --lint=duplicate-rules   all, duplicate-rules or none, with commas between them
  --lint-fatal             exit code 3 for what lints find
  --ignore-unknown-fields  passes over unknown keys, which the server refuses
  --enable-feature=NAME    features of the language, as for the server
`

