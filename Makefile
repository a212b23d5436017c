# make demo      the main job, shown on a temporary server
# make test      the checks and all tests, on every supported PostgreSQL
# make bench     what a login costs, beside its budgets; writes docs/performance.md
# make install   into the server of PG_CONFIG=/path/to/pg_config
# make fuzz SECONDS=60  hostile input for all that reads strangers' bytes in the server's process, and
#                for the decision; TARGETS="token jwks"
# make hammer    a million hostile packets against a real server (PACKETS=3000: a short turn)
# make chaos     real faults while people log in (ROUNDS=1: a short turn)
# make command   builds the command jwt-sso and installs it below PREFIX (/usr/local)
# make pg PG=18  gets that PostgreSQL; the last line of output is the path of its pg_config
# make deb       Debian packages of it all, for the server of PG=NN or PG_CONFIG, into target/deb
# make deb-test  installs, uses and removes them in a fresh Debian
# make supply-chain  licences, sources, advisories and reasons of what we depend on
# make deps      what the others need; they call it themselves
#
# PG=18 or PG_CONFIG=/path/to/pg_config chooses the one server that these are for.

MAJORS = 15 16 17 18
# What `make test` runs on: the server that was chosen, or all of them.
SERVERS = $(MAJORS:%=PG=%)
ifneq ($(origin PG_CONFIG),undefined)
SERVERS = PG_CONFIG=$(PG_CONFIG)
endif
ifdef PG
$(if $(findstring command,$(origin PG_CONFIG)),$(error name PG or PG_CONFIG, not both))
SERVERS = PG=$(PG)
# Looked for when a recipe runs, that is, after deps.
PG_CONFIG = $(shell JWT_SSO_CACHE=$(JWT_SSO_CACHE) scripts/pg.sh --print $(PG))
endif

PG_CONFIG ?= pg_config
JWT_SSO_CACHE ?= $(if $(filter 0,$(shell id -u)),/var/cache/jwt_sso,$(HOME)/.cache/jwt_sso)
export PG_CONFIG JWT_SSO_CACHE
# pgrx and our build script take the server from here; `cargo pgrx init` is not needed.
export PGRX_PG_CONFIG_PATH = $(shell command -v $(PG_CONFIG))

# Read when a recipe runs, too.
FEATURE = pg$(shell $(PG_CONFIG) --version | sed -E 's/^PostgreSQL ([0-9]+).*/\1/')
TARGET_DIR = $(or $(CARGO_TARGET_DIR),target)
# Where user postgres can read it, as root's home it cannot.
PROBE = $(JWT_SSO_CACHE)/probe/$(FEATURE)/jwt_sso.so
# The file manager of Debian owns the server's folders.
SUDO = $(if $(shell test -w "$$($(PG_CONFIG) --pkglibdir)" && echo yes),,--sudo)
# On a server without TLS, as PyPI's 16, the smoke set alone can run.
SMOKE = $(if $(shell grep USE_OPENSSL.1 "$$($(PG_CONFIG) --includedir-server)/pg_config.h"),,--test smoke)

# cargo-pgrx would link what nobody calls, too, lest a linker drop the section from which it makes
# the SQL. Rust 1.89 marks that section as one to keep (GNU ld heeds that from 2.36 on, lld always),
# and cargo-pgrx fails where it is missing. Without that code a login touches fewer pages, and lints,
# probe, library and command have the same flags.
export CARGO_PGRX_DISABLE_GC_SECTIONS_WORKAROUND = 1

PREFIX = /usr/local

.PHONY: deps pg install command demo test check lint core probe e2e command-e2e describe

deps:
	@scripts/deps.sh

pg:
	@scripts/pg.sh $(PG)

install: deps
	@$(MAKE) --no-print-directory install-built

.PHONY: install-built
install-built:
	cargo pgrx install --release --pg-config $(PGRX_PG_CONFIG_PATH) $(SUDO) \
		--no-default-features --features $(FEATURE)
	scripts/install-pam.sh

command: deps
	cargo build --release --package jwt-sso
	scripts/install-command.sh $(TARGET_DIR)/release/jwt-sso $(PREFIX)

demo: install
	@scripts/client-deps.sh --provider >/dev/null
	@cargo run --quiet --package jwt_sso_e2e --bin demo

test:
	@MAKE="$(MAKE)" scripts/test.sh $(SERVERS)

# The server in words, for the summary.
describe:
	@echo "$$($(PG_CONFIG) --version)$(if $(SMOKE), (without TLS: smoke set only))"

# Format, lints and the import law.
check:
	cargo fmt --all --check
	.ci/import-law
	cargo clippy --workspace --exclude jwt_sso --all-targets -- --deny warnings
	@$(MAKE) --no-print-directory lint

# What is compiled depends on the server's major version.
lint:
	cargo clippy --package jwt_sso --release --no-default-features --features $(FEATURE) -- --deny warnings

# The decision, and the fetching of keys over HTTPS, without a server.
core:
	cargo test --package jwt_sso_core --package jwt_sso_fetch

# The library as one test wants it: a login as "panic_probe" panics at its door.
probe:
	cargo build --release --lib --package jwt_sso --no-default-features --features $(FEATURE),panic_probe
	mkdir -p $(dir $(PROBE))
	cp $(TARGET_DIR)/release/libjwt_sso.so $(PROBE)

# The command and the token console, in a real browser too, against the installed library.
command-e2e:
	scripts/client-deps.sh
	cargo test --no-fail-fast --package jwt-sso

# Real clusters, real clients, against the installed library.
e2e:
	scripts/client-deps.sh
	JWT_SSO_PROBE_LIBRARY=$(PROBE) cargo test --no-fail-fast --package jwt_sso_e2e $(SMOKE)

# Packages and what is in them.
.PHONY: stage deb deb-test supply-chain

# Packages do not show in which folders they were built. Not for what is installed and tested: other
# flags mean that all is compiled anew.
HOST := $(shell rustc -vV 2>/dev/null | sed -n 's/^host: //p' | tr a-z- A-Z_)
stage deb: export CARGO_TARGET_$(HOST)_RUSTFLAGS = \
	--remap-path-prefix=$(CURDIR)=/jwt_sso \
	--remap-path-prefix=$(or $(CARGO_HOME),$(HOME)/.cargo)=/cargo \
	--remap-path-prefix=$(abspath $(TARGET_DIR))=/target

DESTDIR ?= $(TARGET_DIR)/stage
stage: deps
	scripts/stage.sh $(DESTDIR)

deb: deps
	@scripts/deb.sh

deb-test: deb
	@scripts/deb-test.sh

# Seconds, once cargo-deny is there.
supply-chain:
	@scripts/supply-chain.sh

# Hostile packets and faults, in sizes by variables: PACKETS, CONNECTIONS, SOCKET and SEED; ROUNDS
# and FAULT. The programs say what each means.
.PHONY: hammer hammer-built chaos chaos-built
hammer: install
	@$(MAKE) --no-print-directory hammer-built

# A million handshakes want a release build; a short turn is over before that is made.
HAMMER_PROFILE = release
hammer-built:
	@cargo run --quiet --profile $(HAMMER_PROFILE) --package jwt_sso_e2e --bin hammer

chaos: install
	@$(MAKE) --no-print-directory chaos-built

chaos-built:
	@scripts/client-deps.sh --faketime >/dev/null
	@cargo run --quiet --package jwt_sso_e2e --bin chaos

# What a login costs, beside its budgets; writes docs/performance.md. ROUNDS and LOGINS say how
# much is measured, WRITE=0 leaves the document, QUICK=1 is a short turn that shows that it runs.
# The results of the turn before are removed, so that none of them can stand in the table.
.PHONY: bench bench-built
bench: install
	@$(MAKE) --no-print-directory bench-built

# Against the library that is installed.
CRITERION = $(abspath $(TARGET_DIR))/criterion
bench-built:
	rm -rf $(CRITERION)
	CRITERION_HOME=$(CRITERION) JWT_SSO_BENCH_QUICK=$(QUICK) \
		cargo bench --quiet --package jwt_sso_core --bench decision -- --quiet || \
		{ echo "bench: BROKEN: the decision was not measured, see above"; exit 1; }
	@cargo build --quiet --release --package jwt_sso_e2e --bin bench || \
		{ echo "bench: BROKEN: it does not compile"; exit 1; }
	@CRITERION_HOME=$(CRITERION) QUICK=$(QUICK) ROUNDS=$(ROUNDS) LOGINS=$(LOGINS) WRITE=$(WRITE) \
		cargo run --quiet --release --package jwt_sso_e2e --bin bench

# Hostile input for everything in the server's process that reads strangers' bytes, and for the
# decision. Needs no server.
.PHONY: fuzz
SECONDS = 60
TARGETS =
fuzz:
	@scripts/fuzz.sh $(SECONDS) $(TARGETS)
