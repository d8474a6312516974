// What `monitor check --help` says; apart from the tool, which is loaded when it runs.

export const CHECK_HELP = `Usage: monitor check config FILE...
       monitor check alertmanager FILE...
       monitor check rules [FILE...]
       monitor check web-config FILE...

Checks a monitor.yml (or prometheus.yml) with all the files it names, an alertmanager.yml with its templates, rule files
(without FILE standard input), or a file for --web.config.file with its certificates, and says where each fault is. Exit code 1 for faults.

config, alertmanager:
  --ignore-unbuilt         warns of what is not built yet, as the server does with --config.strict=false
  --syntax-only            does not look whether secrets, certificates and rule files that config names are there
web-config:
  --syntax-only            does not look at the certificates and keys
rules:
  --lint=duplicate-rules   all, duplicate-rules or none, with commas between them
  --lint-fatal             exit code 3 for what lints find
  --ignore-unknown-fields  passes over unknown keys, which the server refuses
  --enable-feature=NAME    features of the language, as for the server
`

