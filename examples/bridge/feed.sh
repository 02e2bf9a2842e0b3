#!/bin/sh
# Publishes readings of three sensors with frontctl, again and again, for the page beside this file.
#   TIMES     how often; for ever if it is not set
#   PAUSE     seconds between two rounds; 1 if it is not set
#   FRONTCTL  the program; `frontctl` if it is not set
set -eu
frontctl=${FRONTCTL:-frontctl}
left=${TIMES:--1}
pause=${PAUSE:-1}
step=0
while [ "$left" -ne 0 ]; do
    for sensor in hall cellar roof; do
        reading=$(awk -v step="$step" -v name="$sensor" 'BEGIN {
            srand(); offset = length(name)
            temperature = 21 + 4 * sin(step / 9 + offset) + rand() / 2
            humidity = 48 + 12 * cos(step / 14 + offset)
            printf "{\"sensor\":\"%s\",\"temperature\":%.2f,\"humidity\":%.1f}", name, temperature, humidity
        }')
        "$frontctl" publish telemetry "$reading" >/dev/null
    done
    step=$((step + 1))
    left=$((left - 1))
    if [ "$left" -ne 0 ]; then
        sleep "$pause"
    fi
done
