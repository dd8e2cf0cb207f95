#!/usr/bin/env bash
# table: a person's own CSV: what is read, said and refused; trained alike for any threads and stops; predictions as CSV
# and as a picture.
. "$(dirname "$0")/lib.sh"
. "$tests/cli/small_data.sh"

small_table >house.csv
small=(table --data house.csv --target price --ignore id --units 8 --layers 1 --rate 0.01)
computes_the_same() { "$(dirname "$IVORY")/tests/onnx-roundtrip" "$@" >"$out" 2>"$err"; }
value() { sed -n "s/.*\"$1\": \([-0-9.e+]*\).*/\1/p" "$out"; }

run train "${small[@]}" --epochs 40 -o a
expect_status 0 "a training on a table of one's own"
expect_err "240 rows, 5 columns of numbers; missing: rooms 20, price 6; no numbers: city" "says what was read"
expect_err "6 rows without price dropped; flat left out: it is the same in every training row" "and what was left out"
expect_err "parameters  33" "two inputs are left"
run train "${small[@]}" --epochs 40 --threads 1 -o b
expect "one thread gives the same weights" test "$(weights a)" = "$(weights b)"
run train "${small[@]}" --steps 30 -o c
run train "${small[@]}" --epochs 40 --resume -o c
expect "as does a training that was stopped" test "$(weights a)" = "$(weights c)"

mkdir "my runs"
cp house.csv "my runs/my house.csv"
run train table --data "my runs/my house.csv" --target price --epochs 1 -o "my runs/1"
expect_err "  ivory eval 'my runs/1' --data 'my runs/my house.csv'" "what to do next is such that a shell takes it"
run eval a --data house.csv --json
expect_status 0 "it is measured"
expect "near the truth, in the unit of the target" awk -v rmse="$(value RMSE)" -v r2="$(value R2)" 'BEGIN { exit !(rmse < 30 && r2 > 0.95) }'
expect "beside least squares" awk -v r2="$(value linear_R2)" 'BEGIN { exit !(r2 > 0.99) }'

run info a
expect_out "price" "info names the columns"
expect_out "is predicted" "and the one that is predicted"
printf 'a b,c (d),it'"'"'s\n1,2,3\n2,5,4\n3,1,6\n' >names.csv
run train table --data names.csv --target "it's" --epochs 1 --validation 0 --test 0 -o names
run info names
expect_out "--target 'it'\''s' --ignore '' --missing auto" "its options are such that a shell takes them"

run export a --out a.onnx
expect_out "in   columns          [batch,2] f32" "its graph takes columns in their own units"
expect_out "out  predicted        [batch,1] f32" "and gives the target in its"
expect "as the run does" computes_the_same a a.onnx

printf 'rooms,area,price\n2,100,320\n,100,\n' >one.csv
run sample a --data one.csv
expect_err "1 row has a value of price: the error is " "one row has an error, no R2"

run sample a --data house.csv --out p.csv
expect_status 0 "rows are predicted"
expect "one line for each, and a header" test "$(wc -l <p.csv)" -eq 241
expect "row, actual value and prediction" test "$(head -n 1 p.csv)" = "row,price,predicted"
expect "an unknown value stays empty" grep -q '^40,,[0-9.]*$' p.csv
expect_err "rooms is missing in 20 rows" "what is missing is said"
expect_err "234 rows have a value of price: RMSE" "and how far off it is"
run sample b/model.safetensors --data house.csv
expect "the same from a model file alone" cmp -s "$out" p.csv
printf 'rooms,more,area\n2,x,100.5\n,y,50\n' >new.csv
run sample a --data new.csv --json
expect_status 0 "columns are found by name, whatever stands between them"
expect_lines 2 "a line of JSON for each row"
expect_out '{"row": 1, "actual": null, "predicted": 3' "without a value that is not known"
printf 'rooms,aera\n2,100\n' >bad.csv
run sample a --data bad.csv
expect_status 1 "a column that is not there"
expect_err "the table has no column 'area', which the model reads; did you mean 'aera'?" "is named"
printf 'rooms,area\n2,wide\n' >bad.csv
run sample a --data bad.csv
expect_err "bad.csv:2: area holds 'wide', which is no number" "so is a cell that is no number"
run sample a
expect_status 2 "without rows there is nothing to predict"
run sample a --data new.csv --prompt x
expect_status 2 "prompts are for texts"
run write a
expect_status 1 "it writes no text"

run plot a --prompt x
expect_status 2 "nor are there words after a prompt to be drawn"
expect_err "--prompt is for runs that write texts, and a writes none" "which is said"
run plot a
expect_err "name it with --data FILE" "predictions are drawn beside the table"
if [ -x "$(dirname "$IVORY")/ivory-plot" ]; then
    rm -r a/plots
    run plot a --data house.csv --out pictures
    expect_status 0 "a picture is drawn"
    expect "of the predictions" test -s pictures/predictions.svg
    expect "there is one after each training, too" test -s b/plots/predictions.png
else
    skip "a picture" "ivory-plot is not built: cairo is not here"
fi

run data show table --data house.csv
expect_out "240 are no numbers: 'Rome' on line 2" "data show tells of each column"

# refuses NAME MESSAGE OPTION...
refuses()
{
    local name=$1 message=$2
    shift 2
    run train table --epochs 1 -o x "$@"
    if [ "$status" -eq 1 ] && has "$err" "$message"; then hold "$name"; else break_off "$name" "should be refused with: $message"; fi
}
refuses "no target" "name the column to predict with --target; the columns are id, area, rooms, city, flat, price" --data house.csv
refuses "a target that is not there" "no column 'prize', which --target names; did you mean 'price'?" --data house.csv --target prize
refuses "a target of words" "house.csv:2: city holds 'Rome', which is no number" --data house.csv --target city
refuses "a target that is always the same" "the target flat is 1 in every training row" --data house.csv --target flat
refuses "a column to ignore that is not there" "no column 'ids', which --ignore names; did you mean 'id'?" --data house.csv --target price --ignore ids
refuses "a target to ignore" "--ignore leaves out price, which --target predicts" --data house.csv --target price --ignore id,price
refuses "no column left" "no column of numbers is left to predict price from" --data house.csv --target price --ignore id,area,rooms
refuses "a column left out, and one of words" "predict price from; 6 rows without price dropped; flat left out: it is the same in every training row; city holds 'Rome' on line 2, which is no number" --data house.csv --target price --ignore id,area,rooms
refuses "a folder" "--data . is a folder" --data . --target price
refuses "a text" "the data set tales holds texts, no table" --data tales --target price
printf 'a,b\n,2\n,3\n' >hollow.csv
refuses "a column without values" "predict b from; a has no values" --data hollow.csv --target b
printf 'a,b\n1,2\n3\n' >ragged.csv
refuses "a ragged row" "ragged.csv:3: expected 2 fields, as many as the header has, found 1" --data ragged.csv --target a
printf 'a,b\n1,2\n3,two\n5,6\n' >mixed.csv
refuses "a word among numbers" "mixed.csv:3: b holds 'two', which is no number, as its other cells are" --data mixed.csv --target a
printf 'a,b\n1,2\n3,1e300\n5,6\n' >large.csv
refuses "a number whose square is none" "large.csv:3: b holds '1e300', which is too large: at most 1e+100 is read" --data large.csv --target a
head -c 40 ragged.csv | gzip -c | head -c 30 >cut.csv.gz
refuses "a damaged file" "cut.csv.gz" --data cut.csv.gz --target a
