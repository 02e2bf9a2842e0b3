#!/usr/bin/env bash
# Prometheus: the value that a counter is first seen with is no increase, however large.
#
# A counter for each kind of failure that is exported once the failure has happened (what client libraries do with labels unless
# each combination is touched at the start) has no sample of 0 before. `increase` and `rate` compare samples within
# their range, and know nothing of what was there before the first one: neither that the process has begun with 0, nor that
# the target was scraped all along without that series. A burst of 5,000 failures between two scrapes, the first ones of their
# kind, so gives an increase of 0, and no alert; the second burst is seen. Where each series is exported as 0 from the start,
# the first one is seen as well.
#
# The script has promtool evaluate both over samples each 15 s: a counter that appears with 5,000, and one that was 0
# until then. It exits with 0 while Prometheus behaves as described, and with 1 when that has changed.
#
# Needs promtool, which is in Debian's package prometheus.
set -euo pipefail

command -v promtool > /dev/null || { echo "promtool is missing: apt-get install prometheus"; exit 2; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

# The first burst comes between 5:00 and 5:15, the second one between 10:15 and 10:30. No increase is negative: promtool finds
# the expectation wrong, and tells what it got.
cat > finding.yml <<'YAML'
evaluation_interval: 15s
tests:
  - interval: 15s
    input_series:
      - {series: 'failures_total{exported="when it happens"}', values: '_x20 5000x20 10000x20'}
      - {series: 'failures_total{exported="from the start"}', values: '0x20 5000x20 10000x20'}
    promql_expr_test:
      - {expr: 'round(increase(failures_total[2m]), 1000)', eval_time: 6m30s, exp_samples: [{labels: '{}', value: -1}]}
      - {expr: 'round(increase(failures_total[2m]), 1000)', eval_time: 11m30s, exp_samples: [{labels: '{}', value: -1}]}
YAML
evaluated=$(promtool test rules finding.yml 2>&1 || true)
mapfile -t got < <(sed -n 's/^ *got: *//p' <<< "$evaluated")

echo "$(promtool --version 2>&1 | head -1 | cut -d'(' -f1)"
echo "A counter that appears with 5,000 has increased by 0; one that was exported as 0 before has by 5,000."
echo "---- seen"
echo "increase over 2 min, after the first 5,000: ${got[0]:-$evaluated}"
echo "the same after the second 5,000: ${got[1]:-}"
if [[ ${got[0]:-} != '{exported="from the start"} 5E+03, {exported="when it happens"} 0E+00' ||
      ${got[1]:-} != '{exported="from the start"} 5E+03, {exported="when it happens"} 5E+03' ]]; then
    echo "CHANGED: the first value counts in another way"
    exit 1
fi
