# make demo      the main job, shown on a temporary server
# make test      everything that is tested
# make install   into the server of PG_CONFIG=/path/to/pg_config
# make deps      what the others need; they call it themselves

PG_CONFIG ?= pg_config
JWT_SSO_CACHE ?= $(if $(filter 0,$(shell id -u)),/var/cache/jwt_sso,$(HOME)/.cache/jwt_sso)
export PG_CONFIG JWT_SSO_CACHE
# pgrx and our build script take the server from here; `cargo pgrx init` is not needed.
export PGRX_PG_CONFIG_PATH = $(shell command -v $(PG_CONFIG))

# Read when a recipe runs, that is, after deps.
FEATURE = pg$(shell $(PG_CONFIG) --version | sed -E 's/^PostgreSQL ([0-9]+).*/\1/')
TARGET_DIR = $(or $(CARGO_TARGET_DIR),target)
# Where user postgres can read it, as root's home it cannot.
PROBE = $(JWT_SSO_CACHE)/probe/jwt_sso.so
# The file manager of Debian owns the server's folders.
SUDO = $(if $(shell test -w "$$($(PG_CONFIG) --pkglibdir)" && echo yes),,--sudo)

.PHONY: deps install demo test check core probe e2e

deps:
	@scripts/deps.sh

install: deps
	@$(MAKE) --no-print-directory install-built

.PHONY: install-built
install-built:
	cargo pgrx install --release --pg-config $(PGRX_PG_CONFIG_PATH) $(SUDO) \
		--no-default-features --features $(FEATURE)
	scripts/install-pam.sh

demo: install
	@scripts/client-deps.sh --provider >/dev/null
	@cargo run --quiet --package jwt_sso_e2e --bin demo

test: deps
	@$(MAKE) --no-print-directory check core probe install-built e2e

# Format, lints and the import law.
check:
	cargo fmt --all --check
	.ci/import-law
	cargo clippy --workspace --exclude jwt_sso --all-targets -- --deny warnings
	cargo clippy --package jwt_sso --release --no-default-features --features $(FEATURE) -- --deny warnings

# The decision, and the fetching of keys over HTTPS, without a server.
core:
	cargo test --package jwt_sso_core --package jwt_sso_fetch

# The library as one test wants it: a login as "panic_probe" panics at its door.
probe:
	cargo build --release --lib --package jwt_sso --no-default-features --features $(FEATURE),panic_probe
	mkdir -p $(dir $(PROBE))
	cp $(TARGET_DIR)/release/libjwt_sso.so $(PROBE)

# Real clusters, real clients, against the installed library.
e2e:
	scripts/client-deps.sh
	JWT_SSO_PROBE_LIBRARY=$(PROBE) cargo test --package jwt_sso_e2e
