//! The values of the settings, compiled by the core into what they do to the policy.

use crate::file;
use crate::pg::guc::{self, Value};
use crate::pg::process;
use jwt_sso_core::digest::Digest;
use jwt_sso_core::policy::Policy;
use jwt_sso_core::setting_error::SettingError;
use jwt_sso_core::setting_text;
use jwt_sso_core::settings::compile::{self, Change};
use jwt_sso_core::settings::{Id, Kind, Setting, TABLE};

/// A value that is accepted.
pub struct Compiled {
    /// What it does to the policy.
    pub change: Change,
    /// The digest of the file that it names, where it names one.
    pub file: Option<Digest>,
}

/// Why a session's settings are no policy: each refused setting and its error.
pub type Refused = Vec<(&'static Setting, SettingError)>;

/// The policy as this session's values of the settings give it: what the next
/// reload would put in force. Alone for reports only. Where the library is not
/// preloaded there is no setting, and the policy is that of the defaults.
pub fn compile_session() -> Result<Policy, Refused> {
    if !process::is_preloaded() {
        return Ok(Policy::default());
    }
    compile_with(None)
}

/// Compiles this process's values, one of them replaced.
pub(super) fn compile_with(replaced: Option<(usize, Value<'_>)>) -> Result<Policy, Refused> {
    let mut policy = Policy::default();
    let mut errors = Vec::new();
    for (index, setting) in TABLE.iter().enumerate() {
        let value = match replaced {
            Some((place, value)) if place == index => value,
            _ => current(index, setting),
        };
        match compile(setting.id, value, None) {
            Ok(compiled) => (compiled.change)(&mut policy),
            Err(error) => errors.push((setting, error)),
        }
    }
    if errors.is_empty() { Ok(policy) } else { Err(errors) }
}

/// The value that this process has.
pub(super) fn current(index: usize, setting: &Setting) -> Value<'static> {
    match setting.kind {
        Kind::Bool { .. } => Value::Bool(guc::bool_value(index)),
        Kind::Int { .. } => Value::Int(guc::int_value(index)),
        Kind::Text { .. } => Value::Text(guc::text_value(index)),
    }
}

/// Whether the setting names a file that is read at every reload.
pub(super) fn is_file(id: Id) -> bool {
    matches!(id, Id::JwksFile | Id::IdentityMapFile | Id::IssuerCustomCa)
}

/// Compiles one value. A file whose content has the digest `known` is not
/// compiled: the policy to change has it already.
pub(super) fn compile(
    id: Id,
    value: Value<'_>,
    known: Option<Digest>,
) -> Result<Compiled, SettingError> {
    let change = match value {
        Value::Bool(value) => compile::boolean(id, value),
        Value::Int(value) => compile::integer(id, value),
        Value::Text(text) => {
            let text = text.to_str().map_err(|error| {
                SettingError::new(format!("not UTF-8 at byte {}", error.valid_up_to() + 1))
            })?;
            if is_file(id) {
                return compile_file(id, text, known);
            }
            compile::text(id, text)?
        }
    };
    Ok(Compiled { change, file: None })
}

fn compile_file(id: Id, path: &str, known: Option<Digest>) -> Result<Compiled, SettingError> {
    let content = setting_text::path(path)?.map(file::read).transpose()?;
    let file = content.as_ref().map(|content| Digest::of(&[content.as_bytes()]));
    if file.is_some() && known == file {
        return Ok(Compiled { change: Box::new(|_| ()), file });
    }
    Ok(Compiled { change: compile::file(id, path, content.as_deref())?, file })
}
