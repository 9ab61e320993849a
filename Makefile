# Verbs over meson and ninja; `make help` lists them.
.PHONY: $(shell sed -n 's/^\([a-z0-9-]*\):.*\#\# .*/\1/p' Makefile)
RECORDING ?= /usr/share/pocketsphinx/test/data/librivox/sense_and_sensibility_01_austen_64kb-0870.wav
PROGRAM = build/src/daemon/voice-assistant
REPORTS = $(CURDIR)/build-asan/reports

help: ## this list
	@sed -n 's/^\([a-z0-9-]*\):.*## /\1\t/p' Makefile | expand -t 14

start: ## install, build, fetch the model, demonstrate, serve
	./start
demo: ## the same, without serving
	./start --demo
test: ## every test; ends with the counts
	./check
build: build/build.ninja ## compile what changed
	ninja -C build
build/build.ninja:
	meson setup build --buildtype=release -Dtests=false
bench: ## the kernels' speed on this processor
	[ -e build-check/build.ninja ] || meson setup build-check --buildtype=release
	meson test -C build-check --benchmark --verbose
bench-arm64: ## instructions per second of audio on arm64, estimates for Raspberry Pi (after ./check cross; ARGS="--clips '3 s'"), minutes
	bench/arm64.py $(ARGS)
bench-peers: build ## beside faster-whisper and whisper.cpp, made ready the first time (ARGS="--only commands --quick")
	bench/prepare_peers.py
	bench/peers.py $(ARGS)
bench-understanding: build ## how well spoken commands are understood, and other speech rejected (ARGS="--only coffee --quick"), minutes
	bench/prepare_peers.py
	bench/understanding.py $(ARGS)
bench-own-word: build ## a word enrolled from five samples: misses and accepts (ARGS=--quick), minutes
	bench/own_word.py $(ARGS)
bench-stream: build ## how soon a spoken command's text is there
	bench/stream.py $(ARGS)
bench-listen: build ## the assistant that listens by itself: latency, cost of idling, misses, false alarms, own word and voice (ARGS="--only idle"), an hour
	bench/prepare_peers.py
	bench/listen.py $(ARGS)
bench-own-voice: build ## how well the program does not hear itself, and others over it (ARGS="--only levels"), minutes
	bench/own_voice.py $(ARGS)
bench-panel: build ## the panel in Chromium beside transcriptions: input to paint, changes of screen, frames (ARGS="--rounds 3")
	bench/panel.py $(ARGS)
bench-live: build ## end of audio to final text over the WebSocket, 1, 2 and 4 clients, beside transcribe --stream (ARGS="--rounds 3"), minutes
	bench/live.py $(ARGS)
bench-commands: build ## loading and matching commands: time and memory
	bench/commands_speed.py
bench-wake: build ## wake words beside pymicro-wakeword: outputs, misses against false accepts, cost (ARGS="--quick"), minutes
	$(PROGRAM) model fetch wake --folder build-models
	bench/wake.py $(ARGS)
bench-remote: build ## throughput against the number of workers on other machines, in namespaces of its own (root), minutes
	bench/remote.py $(ARGS)
bench-service: build ## the service under load: requests a second by wrk (package wrk), transcriptions beside faster-whisper's Python server (ARGS="--only http"), minutes
	bench/service.py $(ARGS)
bench-acceptance: build ## accents, noises, speaking rates: word errors and commands right (package flite; ARGS="--only noise --quick"), an hour
	bench/acceptance.py $(ARGS)
accuracy: build ## word errors beside faster-whisper float32 (PEER_MODEL=CTranslate2 folder)
	bench/accuracy.py --peer-model "$(PEER_MODEL)"
asan: ## tests with the address and undefined behaviour sanitizers
	./check sanitize
sanitize-e2e: ## the program from outside, built with the address and undefined behaviour sanitizers (ARGS="-k mqtt"), an hour; after ./check
	[ -e build-asan/build.ninja ] || meson setup build-asan --buildtype=debugoptimized -Db_sanitize=address,undefined -Db_lundef=false
	ninja -C build-asan
	rm -rf $(REPORTS) && mkdir $(REPORTS)
	ASAN_OPTIONS=detect_leaks=1:abort_on_error=0:log_path=$(REPORTS)/report UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
		VA_REPORTS=$(REPORTS) VA_PROGRAM=$(CURDIR)/build-asan/src/daemon/voice-assistant VA_TEST_MODELS=$(or $(VA_TEST_MODELS),$(CURDIR)/build-models) \
		build-venv/bin/python -m pytest -q -rs -p no:cacheprovider tests/e2e $(ARGS)
tsan: ## tests but the golden ones with the thread sanitizer
	[ -e build-tsan/build.ninja ] || meson setup build-tsan --buildtype=debugoptimized -Db_sanitize=thread -Db_lundef=false
	ninja -C build-tsan
	meson test -C build-tsan --no-rebuild --no-suite golden --timeout-multiplier 10 --print-errorlogs
fuzz: ## each fuzzer for a minute (SECONDS=60; packages clang-14, libclang-rt-14-dev)
	scripts/fuzz $(or $(SECONDS),60)
fuzz-long: ## each fuzzer for ten minutes in all, two at once; goes on where it was interrupted (SECONDS=600), hours
	scripts/fuzz --resume --jobs 2 $(or $(SECONDS),600)
cover: ## lines of src/ that all tests run, at least 90 % (ARGS="--only unit,report --files 20"), an hour; after ./check
	scripts/coverage --anew $(ARGS)
lint: ## layers, style, headers, static analysis
	./check lint
format: ## rewrite the C files as clang-format wants them
	scripts/check-format --fix
tasks: build ## ten tasks of a client from beginning to end, with their times
	build-venv/bin/python -m pytest -q -s -p no:cacheprovider tests/e2e/test_ten_tasks.py
test-kill: build ## the program killed 500 times in its work: nothing acknowledged is lost from the history (KILLS=500 SEED=1), minutes
	VA_KILLS=$(or $(KILLS),500) VA_SEED=$(or $(SEED),1) build-venv/bin/python -m pytest -q -s -p no:cacheprovider tests/e2e/test_history.py -k acknowledged
e2e: ## the program from outside
	./check pytest
load: build ## Locust's users beside a live microphone, more of them step by step (USERS="16 32 64 96" SECONDS=30), minutes
	build-venv/bin/python tests/load/load.py --users "$(or $(USERS),16 32 64 96)" --seconds $(or $(SECONDS),30)
soak: build ## mixed requests, right and wrong, over every interface: nothing fails undeclared, memory and descriptors stay flat (REQUESTS=100000), minutes
	build-venv/bin/python tests/load/soak.py --requests $(or $(REQUESTS),100000)
test-home-assistant: build ## the same with a real Home Assistant, fetched from PyPI the first time (300 MB)
	tests/e2e/home_assistant.py prepare
	build-venv/bin/python -m pytest -q -p no:cacheprovider tests/e2e/test_home_assistant.py tests/e2e/test_home_assistant_wyoming.py
# In C: valgrind computes fused multiply-adds one by one.
massif: build ## memory over time of one transcription, by valgrind (package valgrind), minutes
	valgrind --tool=massif --massif-out-file=build/massif.out $(PROGRAM) transcribe --threads 1 --kernels c $(RECORDING)
	@# The graph, and who had what at the peak.
	ms_print build/massif.out | awk 'NR < 32 || at_peak; match($$0, /[0-9]+ [(]peak/) { peak = substr($$0, RSTART) + 0 } \
		/^--/ { at_peak = 0 } peak && $$1 == peak { at_peak = 1 }'
perf: build ## where one transcription spends its time, by perf (package linux-perf)
	perf record -o build/perf.data $(PROGRAM) transcribe $(RECORDING)
	perf report -i build/perf.data --stdio | head -n 60
record: ## deploy/release/build.json: what cover, massif and container measured of this version
	scripts/build-record
deb: ## Debian packages in build-deb (ARGS="--arch arm64", ARGS=--lint)
	scripts/deb $(ARGS)
container: ## the container's image with buildah, and its tests (ARGS=--local), root, minutes
	scripts/container $(ARGS)
	VA_IMAGE=build-container/image VA_TEST_MODELS=$(or $(VA_TEST_MODELS),build-models) build-venv/bin/python -m pytest -q -p no:cacheprovider tests/deploy/test_container.py
image: ## a bootable image of the appliance in build-image (ARGS="--arch arm64 --ssh-key ~/.ssh/id_ed25519.pub"), root, minutes
	deploy/image/build $(ARGS)
bench-boot: ## power-on to listening: the appliance beside a plain Debian, in an emulated machine (ARGS="--rounds 1"), root, many minutes
	bench/boot.py $(ARGS)
vm: ## the system test in emulated machines: boot, speech, hardening, power and so on (ARGS="--topics boot,service"), root, many minutes
	tests/vm/run $(ARGS)
selinux: ## the policy module for SELinux, build-selinux/voice_assistant.pp (package selinux-policy-dev)
	mkdir -p build-selinux
	scripts/selinux-module build-selinux/voice_assistant.pp $(wildcard deploy/selinux/voice_assistant.*)
clean: ## remove what was built (models stay)
	rm -rf build $(filter-out build-models, $(wildcard build-*))
