# SPDX-License-Identifier: Apache-2.0
# The verbs of the house. `make help` lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash
JOBS ?= $(shell nproc)
PEERS ?= engine vllm collector cupti
VENV := build/venv
export STRATA_CHDB ?= $(CURDIR)/build/chdb/libchdb.so

.PHONY: help deps build test test-unit test-program test-peers check fmt bench fuzz run up demo web gen docs dist clean

help: ## list these verbs
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

deps: ## install what is missing from Debian, npm and PyPI (root or sudo)
	@tools/deps

build: deps ## the program: build/strata
	@tools/build release strata
	@ln -sf release/strata build/strata

web: deps ## the page: web/dist
	@tools/build web

run: build web ## strata live on this machine, with the recorded world for what it lacks
	@build/strata up --replay worlds/demo

up: build web ## strata alone, live
	@build/strata up

demo: build web ## the live story with a real engine on CPU (ENGINE=vllm for real vLLM)
	@tools/demo/run

test: deps ## everything that proves it works, but the slow peers
	@tools/test

test-peers: build ## real peers, e.g. make test-peers PEERS="engine vllm collector cupti"
	@PEERS="$(PEERS)" $(VENV)/bin/python -m pytest -q -rs tests/peers

check: ## rooms, names, formats, generated files
	@tools/check

fmt: ## format the code
	@git ls-files 'src/**.cc' 'src/**.h' 'bench/*.cc' | grep -v '\.gen\.' | xargs clang-format-14 -i

bench: deps ## our budgets beside the rivals', as ratios
	@tools/build dist all
	@bench/run

fuzz: deps ## each decoder for SECONDS_EACH (default 10) under libFuzzer
	@tools/fuzz

gen: ## catalogs to code, docs and web types
	@tools/gen

docs: gen ## the reference pages

dist: deps ## the program with LTO, in build/dist
	@tools/build dist strata

clean: ## remove what was built (dependencies in build/chdb and build/venv stay)
	@rm -rf build/dev build/tsan build/release build/dist build/fuzz build/strata web/dist
