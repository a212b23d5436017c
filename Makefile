# make demo      the main job, shown on a temporary server
# make test      everything that is tested, on every supported PostgreSQL
# make install   into the server of PG_CONFIG=/path/to/pg_config
# make command   builds the command jwt-sso and installs it below PREFIX (/usr/local)
# make pg PG=18  gets that PostgreSQL; the last line of output is the path of its pg_config
# make deps      what the others need; they call it themselves
# make fuzz SECONDS=60  every parser and the decision, with hostile input; TARGETS="token jwks"
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

# The flags of `cargo pgrx install`, so that lints and probe share what it compiles.
CARGO_AS_PGRX = cargo --config \
	"target.'cfg(all(target_family = \"unix\", not(target_os = \"macos\")))'.rustflags = \
	[\"-C\", \"link-arg=-Wl,--no-gc-sections\"]"

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
	$(CARGO_AS_PGRX) clippy --package jwt_sso --release --no-default-features --features $(FEATURE) -- --deny warnings

# The decision, and the fetching of keys over HTTPS, without a server.
core:
	cargo test --package jwt_sso_core --package jwt_sso_fetch

# The library as one test wants it: a login as "panic_probe" panics at its door.
probe:
	$(CARGO_AS_PGRX) build --release --lib --package jwt_sso --no-default-features --features $(FEATURE),panic_probe
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

# Hostile input for every reader of strangers' bytes, and for the decision. Needs no server.
.PHONY: fuzz
SECONDS = 60
TARGETS =
fuzz:
	@scripts/fuzz.sh $(SECONDS) $(TARGETS)
