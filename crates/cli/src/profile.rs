//! Profiles: named sets of options in `~/.config/jwt-sso/profiles.toml`.
