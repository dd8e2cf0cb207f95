#!/usr/bin/env bash
# benzene on its data: the chapter's figures as printed, and what comes of it without its faults.
. "$(dirname "$0")/lib.sh"

if ! data=$(data_file air-quality/AirQualityUCI.csv.gz); then
    skip "benzene" "IVORY_DATA has no air-quality"
    exit 0
fi
value() { sed -n "s/.*\"$1\": \([-0-9.e+]*\).*/\1/p" "${2:-$out}" | tail -n 1; }
within() { awk -v x="$1" -v low="$2" -v high="$3" 'BEGIN { exit !(x >= low && x <= high) }'; }

run train benzene --as-printed -o printed
expect_status 0 "as printed"
expect_err "9357 rows, 13 columns of numbers; 114 empty rows passed over; no numbers: Date, Time" "-200 is a number"
expect_err "records     5,239 training, 1,310 validation, 2,808 test" "the rows in order"
expect_err "parameters  113" "with the chapter's parameters"
expect "its training loss, about .0003" within "$(value training printed/metrics.jsonl)" 0.0002 0.0005
expect "and its validation loss, about .0016" within "$(value validation printed/metrics.jsonl)" 0.0010 0.0025
run sample printed --data "$data" --out p.csv
expect "ten test rows as the chapter prints them" \
    test "$(sed -n '6551,6560p' p.csv | cut -d, -f2 | xargs)" = "4.6 5.5 6.5 10.3 8.9 14 9.2 8.2 7.2 5.5"
expect "predicted as well as there" awk -F, 'NR > 6550 && NR < 6561 { d = $3 - $2; if (d < -2.2 || d > 2.2) bad = 1 } END { exit bad }' p.csv
# Batches of rows coded -200 lose much more than the first one: that is no explosion.
run train benzene --as-printed --seed 5 --epochs 1 -o other
expect_status 0 "another seed"
expect_no_err "exploded" "trains as quietly"

run train benzene -o corrected
expect_status 0 "corrected"
expect_err "C6H6(GT) 366" "missing values are counted"
expect_err "366 rows without C6H6(GT) dropped; NMHC(GT) left out: 82.4 % of the training rows lack it" "and what follows"
expect_err "records     5,034 training, 1,259 validation, 2,698 test" "the rest is split in order"
run eval corrected --json
expect "RMSE below half a microgram" within "$(value RMSE)" 0 0.5
expect "R2 above .99" within "$(value R2)" 0.99 1
expect "where least squares have .8351" within "$(value linear_R2)" 0.83505 0.83515
expect "with an RMSE of 2.679" within "$(value linear_RMSE)" 2.6785 2.6795
run sample corrected --data "$data"
expect_err "CO(GT) is missing in 1683 rows" "-200 is missing in new data, too"
run plot corrected
expect_status 0 "its predictions are drawn without naming the data"
