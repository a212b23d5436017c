//! Values of SQL functions that pgrx has no type for: text in a database of any
//! encoding, jsonb from text, and a record.
//!
//! What the database cannot hold is an ERROR, never another text: who asks may
//! compare it with somebody's name.

use super::message::{self, Message, c_string};
use pgrx::callconv::{Arg, ArgAbi, BoxRet, FcInfo};
use pgrx::datum::Datum;
use pgrx::prelude::*;
use pgrx::{FromDatum, IntoDatum, direct_function_call_as_datum, impl_sql_translatable, pg_sys};
use std::ffi::{CStr, CString};

/// A `text`: UTF-8 here, the database's encoding there.
#[derive(Clone, Debug)]
pub struct Text(pub String);

/// The bytes of a `text` as they are. Wiped when dropped.
pub struct TextBytes(Vec<u8>);

/// The longest `text` that is taken as an argument, in bytes. Memory that Rust
/// does not get ends the process, where the server's own would raise an ERROR.
const MOST_BYTES: usize = 128 * 1024;

/// A `jsonb`, from its text.
pub struct JsonbText(pub String);

/// A record: the names of its columns and their values.
pub struct Record(pub Vec<(&'static CStr, Column)>);

/// A value of a [`Record`].
pub enum Column {
    /// `text`.
    Text(Option<String>),
    /// `timestamp with time zone`, in microseconds since 2000.
    Time(Option<i64>),
}

impl_sql_translatable!(Text, "text");
impl_sql_translatable!(TextBytes, "text");
impl_sql_translatable!(JsonbText, "jsonb");
impl_sql_translatable!(Record, "record");

const UTF8: i32 = pg_sys::pg_enc::PG_UTF8 as i32;

/// `text` in the encoding of the database. Raises where it has no place there.
fn encoded(text: &str) -> CString {
    if text.contains('\0') {
        message::error(&Message {
            sqlstate: PgSqlErrorCode::ERRCODE_UNTRANSLATABLE_CHARACTER,
            detail: "The value has the character U+0000.".to_owned(),
            ..Message::plain("a text in the token cannot be a text of the server")
        });
    }
    let utf8 = c_string(text.as_bytes());
    let length = i32::try_from(text.len()).unwrap_or(i32::MAX);
    // SAFETY: so many bytes and a NUL; an ERROR unwinds. The result is the
    // argument itself, or palloc'd with a NUL at its end.
    let encoded = unsafe { pg_sys::pg_any_to_server(utf8.as_ptr(), length, UTF8) };
    // SAFETY: as above.
    unsafe { CStr::from_ptr(encoded) }.to_owned()
}

/// The bytes of the `text` at `datum`; what the server made of them on the way
/// is wiped. Raises where there are more than [`MOST_BYTES`].
///
/// # Safety
/// `datum` is a `text` that is not NULL.
unsafe fn bytes(datum: pg_sys::Datum) -> CString {
    // SAFETY: the caller's promise. Neither reads nor unpacks the text.
    let size = unsafe { pg_sys::toast_raw_datum_size(datum) } as usize;
    if size > MOST_BYTES + pg_sys::VARHDRSZ {
        message::error(&Message {
            sqlstate: PgSqlErrorCode::ERRCODE_PROGRAM_LIMIT_EXCEEDED,
            detail: format!("At most {MOST_BYTES} bytes are taken."),
            ..Message::plain("the argument is too long")
        });
    }
    // SAFETY: the caller's promise; the result is palloc'd with a NUL at its end.
    let copied = unsafe { pg_sys::text_to_cstring(datum.cast_mut_ptr()) };
    // SAFETY: as above.
    let owned = unsafe { CStr::from_ptr(copied) }.to_owned();
    // SAFETY: as many bytes as were just read there.
    unsafe { libc::explicit_bzero(copied.cast(), owned.as_bytes().len()) };
    // SAFETY: palloc'd above, and used no more.
    unsafe { pg_sys::pfree(copied.cast()) };
    owned
}

impl TextBytes {
    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for TextBytes {
    fn drop(&mut self) {
        // SAFETY: the vector's own bytes.
        unsafe { libc::explicit_bzero(self.0.as_mut_ptr().cast(), self.0.len()) };
    }
}

impl FromDatum for Text {
    unsafe fn from_polymorphic_datum(
        datum: pg_sys::Datum,
        is_null: bool,
        _type: pg_sys::Oid,
    ) -> Option<Text> {
        if is_null {
            return None;
        }
        // SAFETY: `text` by the function's declaration.
        let bytes = unsafe { bytes(datum) };
        let length = i32::try_from(bytes.as_bytes().len()).unwrap_or(i32::MAX);
        // SAFETY: so many bytes and a NUL; an ERROR unwinds. The result is the
        // argument itself, or palloc'd with a NUL at its end.
        let utf8 = unsafe { pg_sys::pg_server_to_any(bytes.as_ptr(), length, UTF8) };
        // SAFETY: as above.
        Some(Text(unsafe { CStr::from_ptr(utf8) }.to_string_lossy().into_owned()))
    }
}

impl FromDatum for TextBytes {
    unsafe fn from_polymorphic_datum(
        datum: pg_sys::Datum,
        is_null: bool,
        _type: pg_sys::Oid,
    ) -> Option<TextBytes> {
        // SAFETY: `text` by the function's declaration.
        (!is_null).then(|| TextBytes(unsafe { bytes(datum) }.into_bytes()))
    }
}

// SAFETY: as FromDatum has it. The functions that take one without Option are STRICT.
unsafe impl<'fcx> ArgAbi<'fcx> for Text {
    unsafe fn unbox_arg_unchecked(arg: Arg<'_, 'fcx>) -> Text {
        // SAFETY: declared as `text`.
        unsafe { arg.unbox_arg_using_from_datum() }.unwrap_or_else(|| Text(String::new()))
    }
}

// SAFETY: as above.
unsafe impl<'fcx> ArgAbi<'fcx> for TextBytes {
    unsafe fn unbox_arg_unchecked(arg: Arg<'_, 'fcx>) -> TextBytes {
        // SAFETY: declared as `text`.
        unsafe { arg.unbox_arg_using_from_datum() }.unwrap_or_else(|| TextBytes(Vec::new()))
    }
}

impl IntoDatum for Text {
    fn into_datum(self) -> Option<pg_sys::Datum> {
        let encoded = encoded(&self.0);
        let length = i32::try_from(encoded.as_bytes().len()).unwrap_or(i32::MAX);
        // SAFETY: so many bytes, copied by the callee.
        let text = unsafe { pg_sys::cstring_to_text_with_len(encoded.as_ptr(), length) };
        Some(pg_sys::Datum::from(text))
    }

    fn type_oid() -> pg_sys::Oid {
        pg_sys::TEXTOID
    }
}

impl IntoDatum for JsonbText {
    fn into_datum(self) -> Option<pg_sys::Datum> {
        let encoded = encoded(&self.0);
        let argument = Some(pg_sys::Datum::from(encoded.as_ptr()));
        // SAFETY: jsonb_in takes a text with a NUL at its end; an ERROR unwinds.
        unsafe { direct_function_call_as_datum(pg_sys::jsonb_in, &[argument]) }
    }

    fn type_oid() -> pg_sys::Oid {
        pg_sys::JSONBOID
    }
}

impl IntoDatum for Column {
    fn into_datum(self) -> Option<pg_sys::Datum> {
        match self {
            Column::Text(text) => text.map(Text).and_then(Text::into_datum),
            Column::Time(time) => time.map(pg_sys::Datum::from),
        }
    }

    /// Of no use: a column may be of several types.
    fn type_oid() -> pg_sys::Oid {
        pg_sys::UNKNOWNOID
    }
}

impl Column {
    fn oid(&self) -> pg_sys::Oid {
        match self {
            Column::Text(_) => pg_sys::TEXTOID,
            Column::Time(_) => pg_sys::TIMESTAMPTZOID,
        }
    }
}

impl IntoDatum for Record {
    fn into_datum(self) -> Option<pg_sys::Datum> {
        // SAFETY: a positive number of columns, each of which is set below.
        let description = unsafe { pg_sys::CreateTemplateTupleDesc(self.0.len() as i32) };
        for (number, (name, column)) in (1..).zip(&self.0) {
            // SAFETY: a column within the number; the name is copied.
            unsafe {
                pg_sys::TupleDescInitEntry(description, number, name.as_ptr(), column.oid(), -1, 0)
            };
        }
        // SAFETY: every column is set. The server keeps a copy under a number,
        // the same one for the same columns.
        let description = unsafe { pg_sys::BlessTupleDesc(description) };
        let values: Vec<Option<pg_sys::Datum>> =
            self.0.into_iter().map(|(_, column)| column.into_datum()).collect();
        let mut nulls: Vec<bool> = values.iter().map(Option::is_none).collect();
        let mut values: Vec<pg_sys::Datum> =
            values.into_iter().map(|value| value.unwrap_or(pg_sys::Datum::null())).collect();
        // SAFETY: as many values and flags as columns, of their types; copied.
        let tuple = unsafe {
            pg_sys::heap_form_tuple(description, values.as_mut_ptr(), nulls.as_mut_ptr())
        };
        // SAFETY: the tuple that was just made.
        let header = unsafe { (*tuple).t_data };
        // SAFETY: as above.
        Some(unsafe { pg_sys::HeapTupleHeaderGetDatum(header) })
    }

    fn type_oid() -> pg_sys::Oid {
        pg_sys::RECORDOID
    }
}

fn returned<'fcx>(value: impl IntoDatum, fcinfo: &mut FcInfo<'fcx>) -> Datum<'fcx> {
    match value.into_datum() {
        // SAFETY: of the type that the function is declared to return.
        Some(datum) => unsafe { fcinfo.return_raw_datum(datum) },
        None => fcinfo.return_null(),
    }
}

// SAFETY: hands the datum to the function's caller.
unsafe impl BoxRet for Text {
    unsafe fn box_into<'fcx>(self, fcinfo: &mut FcInfo<'fcx>) -> Datum<'fcx> {
        returned(self, fcinfo)
    }
}

// SAFETY: as above.
unsafe impl BoxRet for JsonbText {
    unsafe fn box_into<'fcx>(self, fcinfo: &mut FcInfo<'fcx>) -> Datum<'fcx> {
        returned(self, fcinfo)
    }
}

// SAFETY: as above.
unsafe impl BoxRet for Record {
    unsafe fn box_into<'fcx>(self, fcinfo: &mut FcInfo<'fcx>) -> Datum<'fcx> {
        returned(self, fcinfo)
    }
}
