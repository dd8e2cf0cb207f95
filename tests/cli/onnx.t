#!/usr/bin/env bash
# ONNX's own tests of its operators, run through Ivory's rows and layers by the program onnx-conformance: all pass, and
# the program tells what does not.
. "$(dirname "$0")/lib.sh"
conformance=$(dirname "$IVORY")/tests/onnx-conformance

check()
{
    last="onnx-conformance $*"
    status=0
    "$conformance" "$@" >"$out" 2>"$err" </dev/null || status=$?
}

check
expect_status 2 "a folder is needed"
expect_err "onnx-conformance: expected the folder of ONNX's operator tests" "and that is said"
mkdir empty
check empty
expect_status 2 "a folder without cases is refused"
expect_err "empty: expected folders with a model.json, or a zip of such, found none" "by name"

check nowhere
expect_status 2 "and one that is not there"
expect_err "nowhere" "too"

if ! zip=$(data_file onnx-node-tests/onnx_node_tests.zip); then
    skip "the operator tests" "IVORY_DATA has no onnx-node-tests"
    exit 0
fi
check "$(dirname "$zip")"
expect_status 0 "no operator test fails"
expect "all 184 pass" test "$(tail -n 1 "$out")" = "184 pass, 0 not expressible, 0 fail"
check "$zip"
expect "the zip itself will do" test "$(tail -n 1 "$out")" = "184 pass, 0 not expressible, 0 fail"
expect_out "pass adam_multiple: the reference was computed with an epsilon of 0.01" "a case that is wrong is said to be"

# Some of them unpacked: one as it is, one of an operator that nobody knows, one that is of another operator.
mkdir cases && cd cases && unzip -q "$zip" 'test_relu/*' 'test_exp/*' 'test_tanh/*'
sed -i 's/"Exp"/"Expo"/' test_exp/model.json
sed -i 's/"Tanh"/"Sigmoid"/' test_tanh/model.json
cd ..
check cases
expect_status 1 "a case that fails is a failure"
expect_out "pass relu" "cases may lie in folders"
expect_out "not expressible exp: Expo: no rows are known to express this operator" "an unknown operator is told"
expect_out "fail tanh: max difference " "and so is a wrong result"
expect "the last line counts them" test "$(tail -n 1 "$out")" = "1 pass, 1 not expressible, 1 fail"
head -c 100 cases/test_relu/input_0.npy >short && mv short cases/test_relu/input_0.npy
check cases
expect_out "fail relu: input_0.npy" "a damaged array is a failure that names it"
