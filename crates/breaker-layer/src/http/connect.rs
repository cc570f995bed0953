//! The last message of a Connect stream: JSON, with an error or without.

use super::grpc_code::GrpcCode;

/// The number of the error's code, 0 without an error. What cannot be understood is `Unknown`.
pub(super) fn code(end: &[u8]) -> u16 {
    let end = end.trim_ascii();
    if !(end.starts_with(b"{") && end.ends_with(b"}")) {
        return GrpcCode::Unknown as u16;
    }
    match member(end, "error") {
        None | Some(b"null") => GrpcCode::Ok as u16,
        Some(error) => {
            let name = member(error, "code").unwrap_or_default();
            let known = CODES.iter().position(|code| is_string(name, code));
            known.map_or(GrpcCode::Unknown as u16, |position| position as u16 + 1)
        }
    }
}

/// In the order of gRPC's numbers, from 1 on.
const CODES: [&str; 16] = [
    "canceled",
    "unknown",
    "invalid_argument",
    "deadline_exceeded",
    "not_found",
    "already_exists",
    "permission_denied",
    "resource_exhausted",
    "failed_precondition",
    "aborted",
    "out_of_range",
    "unimplemented",
    "internal",
    "unavailable",
    "data_loss",
    "unauthenticated",
];

fn is_string(json: &[u8], text: &str) -> bool {
    let inside = json
        .strip_prefix(b"\"")
        .and_then(|json| json.strip_suffix(b"\""));
    inside == Some(text.as_bytes())
}

/// The value of this member of a JSON object, as it is written.
fn member<'a>(object: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let mut rest = object.strip_prefix(b"{")?;
    loop {
        let (key, after) = value(rest)?;
        let (value, after) = value(after.strip_prefix(b":")?)?;
        if is_string(key, name) {
            return Some(value);
        }
        rest = after.strip_prefix(b",")?;
    }
}

/// The JSON value that the text begins with, and what follows it.
fn value(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let text = text.trim_ascii_start();
    let (mut depth, mut is_in_string, mut is_escaped) = (0_usize, false, false);
    for (at, &byte) in text.iter().enumerate() {
        let mut is_last = false;
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_in_string => is_escaped = true,
            b'"' => {
                is_in_string = !is_in_string;
                is_last = !is_in_string && depth == 0;
            }
            _ if is_in_string => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth > 0 => {
                depth -= 1;
                is_last = depth == 0;
            }
            // The end of a number, or of a word.
            b'}' | b']' | b',' | b':' if depth == 0 => {
                let (value, rest) = text.split_at(at);
                return Some((value.trim_ascii_end(), rest)).filter(|_| at > 0);
            }
            _ => {}
        }
        if is_last {
            let (value, rest) = text.split_at(at + 1);
            return Some((value, rest.trim_ascii_start()));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_its_code_and_no_error_is_ok() {
        for (end, expected) in [
            ("{}", GrpcCode::Ok),
            (" { } ", GrpcCode::Ok),
            (r#"{"metadata":{"error":["x"],"a":["{\"}"]}}"#, GrpcCode::Ok),
            (r#"{"error":null}"#, GrpcCode::Ok),
            (r#"{"error":{"code":"canceled"}}"#, GrpcCode::Cancelled),
            (
                r#"{"error":{"code":"unavailable","message":"down"}}"#,
                GrpcCode::Unavailable,
            ),
            (
                "{\n \"metadata\" : {\"n\": [1, {}]},\n \"error\" : { \"message\" : \"\\\"code\\\":\", \"code\" : \"not_found\" } }",
                GrpcCode::NotFound,
            ),
            (
                r#"{"n":1,"w":true,"error":{"code":"unauthenticated"}}"#,
                GrpcCode::Unauthenticated,
            ),
            (r#"{"error":{"code":"new_one"}}"#, GrpcCode::Unknown),
            (r#"{"error":{"code":14}}"#, GrpcCode::Unknown),
            (r#"{"error":{}}"#, GrpcCode::Unknown),
            (r#"{"error":"unavailable"}"#, GrpcCode::Unknown),
            ("", GrpcCode::Unknown),
            ("{", GrpcCode::Unknown),
            ("[]", GrpcCode::Unknown),
            ("\u{0}\u{1}", GrpcCode::Unknown),
        ] {
            assert_eq!(code(end.as_bytes()), expected as u16, "{end}");
        }
    }

    #[test]
    fn no_text_makes_it_panic() {
        let whole =
            r#"{"metadata":{"a":["\\\"]"]},"error":{"code":"internal","details":[{"x":-1.5e3}]}}"#;
        for end in 0..=whole.len() {
            for begin in 0..=end {
                code(&whole.as_bytes()[begin..end]);
            }
        }
    }
}
