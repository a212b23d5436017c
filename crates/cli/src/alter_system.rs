//! Statements that set a setting of jwt_sso, to be pasted or piped into psql.

use postgres_protocol::escape::escape_literal;

/// `ALTER SYSTEM SET jwt_sso.jwks = '…';`, whatever the value holds, and
/// whatever standard_conforming_strings says.
pub fn statement(setting: &str, value: &str) -> String {
    format!("ALTER SYSTEM SET jwt_sso.{setting} = {};", escape_literal(value).trim_start())
}

#[cfg(test)]
mod tests {
    use super::statement;

    #[test]
    fn a_value_stays_a_value() {
        assert_eq!(statement("jwks", "{}"), "ALTER SYSTEM SET jwt_sso.jwks = '{}';");
        assert_eq!(
            statement("jwks", r"'; DROP TABLE t; --\'"),
            r"ALTER SYSTEM SET jwt_sso.jwks = E'''; DROP TABLE t; --\\''';"
        );
    }
}
