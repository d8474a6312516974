// Apart from what it describes, which loads the store.
export const TSDB_HELP = `Usage: monitor tsdb COMMAND [--storage.tsdb.path=DATA]

  list [-r]                  the blocks there are, and those and the files of tiers; -r, --human-readable: sizes in KiB, MiB …
  analyze [--limit=N] [--match=SELECTOR] [--extended]
                             which metrics, labels and pairs have the most series; --extended reads all samples: which metrics have
                             the most, and what comes and goes
  dump [--match=SELECTOR]… [--min-time=MS] [--max-time=MS]   every sample, one a line: labels, value, Unix ms
  dump-openmetrics           the same as OpenMetrics text, which create-blocks-from reads; without native histograms and staleness markers
  verify                     reads everything, says what is damaged or gone; exit code 1 if anything is
  repair [--dry-run]         mends what is damaged as far as can be, and keeps it as it was in quarantine/; --dry-run says what it would do
  import prometheus SOURCE   takes over the blocks and logs of a Prometheus data folder (2.x and 3.x)
  import archive SOURCE      takes over the rows of hours of another data folder, or of its archive/
  create-blocks-from openmetrics FILE [DATA] [--label=NAME=VALUE]… [-q] [-r]
                             blocks of the samples in a file of OpenMetrics text, each with its timestamp
  create-blocks-from rules FILE … --start=TIME [--end=TIME] [--url=URL] [--eval-interval=DURATION] [--output-dir=DATA] [-q] [-r]
                             blocks of what recording rules would have recorded, by a running server's answers (http://localhost:9090), up
                             to three hours ago; groups without an interval: every 60s. TIME is RFC 3339 or Unix seconds. Also
                             --http.config.file=FILE as of monitor query, --enable-feature=NAME as of the server

DATA is ./data where it is not given; it may also stand behind the command, as promtool has it: monitor tsdb list DATA. No server may run on it, nor Prometheus on SOURCE.
Exit codes: 0 done, 1 not done or damage found, 2 wrong command line.
`
