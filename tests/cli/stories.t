#!/usr/bin/env bash
# stories: trained on small files in bAbI's layout, the same for any threads and stops; asked, and talked to; what is wrong
# with such files is said.
. "$(dirname "$0")/lib.sh"
. "$tests/cli/small_data.sh"

accuracy() { sed -n 's/.*"accuracy": \([0-9.]*\).*/\1/p' "$out"; }

mkdir -p data/tasks
small_stories 48 >data/qa1_where_train.txt
small_stories 24 >data/qa1_where_test.txt
small=(stories --data data/qa1_where_train.txt --embed 16 --hops 2 --optimizer adam --rate 0.01 --schedule constant --linear-start 0)

computes_the_same() { "$(dirname "$IVORY")/tests/onnx-roundtrip" "$@" >"$out" 2>"$err"; }

run train "${small[@]}" --epochs 30 -o a
expect_status 0 "a training on stories"
expect_err "72 stories, 144 questions, 13 words and answers" "with the tests beside them"
run train "${small[@]}" --epochs 30 --threads 1 -o b
expect "one thread gives the same weights" test "$(weights a)" = "$(weights b)"
run train "${small[@]}" --steps 20 -o c
run train "${small[@]}" --epochs 30 --resume -o c
expect "as does a training that was stopped" test "$(weights a)" = "$(weights c)"

run eval a --data data/qa1_where_train.txt --json
expect_status 0 "its tests"
expect "are answered" awk -v a="$(accuracy)" 'BEGIN { exit !(a >= 0.9) }'
run export a --out a.onnx
expect_status 0 "its graph is exported"
expect "and computes what the run does" computes_the_same a a.onnx
run info a --json
expect_out '"name": "memory", "type": "Memory", "shape": [32, 13]' "info tells what its layer gives out"
expect_out '"reads": ["sentences", "present", "question"]' "and what it reads"
run train "${small[@]}" --linear-start 2 --noise 0.3 --epochs 4 -o linear
expect_status 0 "a training that begins without softmax"

last="ivory write a"
printf 'Mary went to the garden.\nJohn went to the hall.\nWhere is Mary?\n/help\n/quit\nWhere is John?\n' |
    "$IVORY" write a >"$out" 2>"$err"
status=$?
expect_status 0 "it is talked to"
expect_out "garden  " "it answers"
expect_out "  Mary went to the garden." "and shows what it looked at"
expect_no_out "hall  " "until /quit"
printf 'Who?\n?\nMary went to the garden in the hall.\nWhere is Mary?\nJohn went to the hall.\nSandra went to the hall.\nMary went to the hall.\nWhere is Mary?\n' |
    "$IVORY" write a >"$out" 2>"$err"
expect "a question without a word that it knows has no answer" test "$(grep -c '^No word of this question is one' "$out")" -eq 2
expect_out "(of its 8 words the first 5 are read)" "words that are not read are said"
expect "and so are sentences" test "$(grep -c '^(of 4 sentences the last 3 are looked at)' "$out")" -eq 1
run write a b
expect_status 2 "to several at once nobody talks"
run write a --out said.json
expect_status 2 "what is said is not saved"
expect_err "--out is for runs that write texts, and a answers what is typed" "and an option that asks for it is refused"
run sample a
expect_status 1 "it draws no samples"

run train stories --data data/qa1_where_train.txt --as-printed --epochs 2 -o printed
expect_status 0 "as printed"
expect_err "96 training, 0 validation, 96 test" "the tests are the training questions"
run eval printed --data data/qa1_where_train.txt
expect_out "accuracy" "and are counted"

cp data/qa1_where_train.txt data/tasks/qa1_where_train.txt
cp data/qa1_where_test.txt data/tasks/qa1_where_test.txt
small_stories 20 >data/tasks/qa6_more_train.txt
small_stories 10 >data/tasks/qa6_more_test.txt
small_stories 10 >data/tasks/qa9_untrained_test.txt
echo "not a story" >data/tasks/README.txt
tar -czf tasks.tar.gz -C data tasks
run train stories --data tasks.tar.gz --task 0 --epochs 1 -o all
expect_status 0 "an archive of tasks"
expect_err "20 test questions of tasks without training questions are left out" "says what is left out"
run eval all --data tasks.tar.gz
expect_out "accuracy, task 1 " "each task is counted"
expect_out "accuracy, task 6 " "for itself"
expect_out "tasks solved" "and how many are solved"
run train stories --data tasks.tar.gz --task 2 -o x
expect_status 1 "a task that is not there is refused"
expect_err "has no stories of task 2" "and why"
run train stories --data tasks.tar.gz --task 9 -o x
expect_status 1 "a task that has tests alone is refused"
expect_err "no question to train with" "and why"
mkdir -p data/official/en data/official/en-10k data/official/hn
small_stories 10 >data/official/en/qa1_where_train.txt
small_stories 20 >data/official/en-10k/qa1_where_train.txt
small_stories 30 >data/official/hn/qa1_where_train.txt
tar -czf official.tar.gz -C data official
run train stories --data official.tar.gz --epochs 1 -o en
expect_err "10 stories" "of the official archive the English tasks are taken"
tar -cf empty.tar -C data tasks/README.txt
run train stories --data empty.tar --task 0 -o x
expect_err "expected files qa1_..._train.txt" "an archive without tasks is refused"

printf '1 Mary left.\n3 John left.\n' >wrong.txt
run train stories --data wrong.txt -o x
expect_status 1 "lines out of order are refused"
expect_err "wrong.txt:2: expected the line of number 2" "with their place"
printf 'Mary left.\nWhere is she?\n' >plain.txt
run train stories --data plain.txt -o x
expect_err "or is none; a file of stories, which is no archive, begins with the number 1" "of a text without numbers it is said what was expected"
{ printf '\357\273\277'; cat data/qa1_where_train.txt; } >marked.txt
run train stories --data marked.txt --epochs 1 -o marked
expect_err "48 stories" "a byte order mark is passed over"
run train stories --data tales -o x
expect_status 1 "data without questions are refused"
expect_err "holds no stories with questions" "and why"

if [ -n "$(data_file babi/babi-v1.2-en.tar.gz)" ]; then
    run train stories --epochs 12 --optimizer adam --rate 0.003 --schedule constant --linear-start 0 -o real
    run eval real --json
    expect "task 1 is learned in twelve epochs" awk -v a="$(accuracy)" 'BEGIN { exit !(a >= 0.97) }'
else
    skip "task 1" "IVORY_DATA has no babi"
fi
