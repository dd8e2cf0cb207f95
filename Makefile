# Ivory's front door: short names for what CMake, CTest and tools/ do.

PREFIX       ?= /usr/local
BUILD        ?= build
FUZZ_SECONDS ?= 60
BENCH        ?=
TORTURE      ?= all
PEERS        ?= $(BUILD)/bench/peers
SETUP        ?= tools/setup
CLANG_FORMAT ?= clang-format-14

# As many jobs as processors, unless the caller said how many.
jobs = $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc))

# $(call build,FOLDER,TARGET,CMAKE OPTIONS)
define build
@cmake -S . -B $(1) $(3) >/dev/null
@+$(MAKE) --no-print-directory -C $(1) $(jobs) $(2)
endef

# $(call sanitized,FOLDER,SANITIZER): tests built and run with a sanitizer; whatever it finds fails the test.
define sanitized
$(call build,$(1),all,-DIVORY_SANITIZE=$(2))
@ASAN_OPTIONS=detect_leaks=1:halt_on_error=1:allocator_may_return_null=1:detect_stack_use_after_return=1 \
 LSAN_OPTIONS=suppressions=$(CURDIR)/tools/leaks-of-others.txt:print_suppressions=0 \
 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
 TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1:allocator_may_return_null=1 \
 tools/check $(1)
endef

.PHONY: all setup setup-developer demo check torture asan ubsan tsan msan valgrind fuzz fuzz-long bench bench-curves bench-convolutions format layers install clean help

all: ## release build: build/ivory, the libraries, test programs in build/tests/
	$(call build,$(BUILD),all,)

setup: ## install the Debian packages that are missing
	@$(SETUP)

setup-developer: ## the same, with what `make fuzz` and `make format` need
	@$(SETUP) developer

demo: setup ## train on a small collection of fables, for a minute or two, and write from it
	$(call build,$(BUILD),programs,)
	@tools/demo

check: setup ## everything that must be green: warnings are errors, all tests
	$(call build,$(BUILD),all,-DIVORY_WERROR=ON)
	@tools/check $(BUILD)

torture: setup ## the tests that try to break what is promised, at length: hours; TORTURE=5 for five times what `check` does
	$(call build,$(BUILD),all,-DIVORY_WERROR=ON)
	@IVORY_TORTURE=$(TORTURE) tools/check $(BUILD) -L torture

asan: setup ## all tests with the address and leak sanitizers
	$(call sanitized,$(BUILD)-asan,address)

ubsan: setup ## all tests with the undefined behaviour sanitizer
	$(call sanitized,$(BUILD)-ubsan,undefined)

tsan: setup ## all tests with the thread sanitizer
	$(call sanitized,$(BUILD)-tsan,thread)

msan: export CC = clang
msan: setup-developer ## our own readers and the trainings without pictures, with clang's memory sanitizer
	$(call build,$(BUILD)-msan,ivory-program replays,-DIVORY_SANITIZE=memory)
	@tools/msan $(BUILD)-msan

valgrind: setup-developer ## readers and a choice of tests under valgrind, with portable kernels and those for AVX2
	$(call build,$(BUILD),all,)
	@tools/valgrind $(BUILD)

fuzz: export CC = clang
fuzz: setup-developer ## every fuzz target for FUZZ_SECONDS (60)
	$(call build,$(BUILD)-fuzz,all,-DIVORY_FUZZ=ON)
	@tools/fuzz $(BUILD)-fuzz $(FUZZ_SECONDS)

fuzz-long: ## the same for half an hour each; what all sittings were is added up in build-fuzz/tally
	@$(MAKE) --no-print-directory fuzz FUZZ_SECONDS=1800

bench: ## Ivory and its peers in turn, as a table in build/bench/; BENCH="--workloads chars-8 --quick" for less
	$(call build,$(BUILD),programs,)
	@bench/install $(PEERS)
	@$(PEERS)/bin/python bench/bench.py --ivory $(BUILD)/ivory --out $(BUILD)/bench $(BENCH)

bench-curves: ## time per step against the sizes, Ivory and PyTorch, measured and drawn into docs/pictures/
	$(call build,$(BUILD),programs,)
	@bench/install $(PEERS)
	@$(PEERS)/bin/python bench/curves.py --ivory $(BUILD)/ivory docs/pictures/text-step.json docs/pictures/text-step.svg

bench-convolutions: ## convolutions and their gradients, Ivory and PyTorch in turn; BENCH="vgg" for those of that name
	$(call build,$(BUILD),programs,)
	@bench/install $(PEERS)
	@$(CC) -std=gnu17 -O2 -Iinclude bench/convolutions.c $(BUILD)/libivory.a -lm -pthread -o $(BUILD)/bench/convolutions
	@$(PEERS)/bin/python bench/convolutions.py --ivory $(BUILD)/ivory --timer $(BUILD)/bench/convolutions $(BENCH)

format: setup-developer ## lay out the C files by .clang-format
	@find $(wildcard src include tests fuzz examples) -name '*.[ch]' -exec $(CLANG_FORMAT) -i {} +

layers: ## who may include whom, and what no library may call
	@tools/layers

install: ## headers, libraries, programs, manual page under PREFIX (/usr/local); DESTDIR is put in front
	$(call build,$(BUILD),all,-DCMAKE_INSTALL_PREFIX=$(PREFIX))
	@DESTDIR=$(DESTDIR) cmake --install $(BUILD)

clean: ## remove the build folders
	@rm -rf $(BUILD) $(BUILD)-asan $(BUILD)-ubsan $(BUILD)-tsan $(BUILD)-msan $(BUILD)-fuzz

help: ## this list
	@awk -F ': .*## ' '/^[a-z-]+:.*## /{printf "make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
