//! The few words of HTTP/1.1 that the built-in listener speaks: every request is answered with 200.

use std::io::{self, ErrorKind, Read, Write};

/// Longest request head, in bytes.
const MAX_HEAD: usize = 16 << 10;

/// How a conversation went on.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    Keep,
    Close,
}

/// Answers requests until the client, the rules of HTTP or the stream's own time limit end the connection.
///
/// `text` is the body of each answer. A request with a body is answered without reading it, and the connection is closed.
pub(super) fn converse(stream: &mut (impl Read + Write), text: &str) -> io::Result<()> {
    let mut buffer = Vec::new();
    while let Some(head) = read_head(stream, &mut buffer)? {
        if answer(stream, &head, text)? == Next::Close {
            break;
        }
    }
    Ok(())
}

/// The next request head; `None` at the end of the stream. What was read beyond it stays in the buffer.
fn read_head(stream: &mut impl Read, buffer: &mut Vec<u8>) -> io::Result<Option<String>> {
    let mut chunk = [0; 2048];
    loop {
        if let Some(end) = buffer.windows(4).position(|w| w == b"\r\n\r\n") {
            let rest = buffer.split_off(end + 4);
            let head = std::mem::replace(buffer, rest);
            return Ok(Some(String::from_utf8_lossy(&head).into_owned()));
        }
        if buffer.len() > MAX_HEAD {
            return Err(ErrorKind::InvalidData.into());
        }
        match stream.read(&mut chunk) {
            Ok(0) => return Ok(None),
            Ok(count) => buffer.extend_from_slice(chunk.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // Many clients go without closing TLS first.
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(error),
        }
    }
}

fn answer(stream: &mut impl Write, head: &str, text: &str) -> io::Result<Next> {
    let mut lines = head.split("\r\n");
    let request: Vec<&str> = lines.next().unwrap_or_default().split(' ').collect();
    let (method, version) = match request.as_slice() {
        [method, _, version @ ("HTTP/1.1" | "HTTP/1.0")] if !method.is_empty() => (*method, *version),
        _ => {
            write_answer(stream, "400 Bad Request", "bad request\n", "GET", &Next::Close)?;
            return Ok(Next::Close);
        }
    };
    let headers: Vec<(String, &str)> = lines
        .filter_map(|l| l.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim()))
        .collect();
    let value = |wanted: &str| headers.iter().find(|(name, _)| name == wanted).map(|(_, value)| *value);
    let has_body = value("transfer-encoding").is_some() || value("content-length").is_some_and(|length| length != "0");
    let wants_close = value("connection").is_some_and(|v| v.split(',').any(|w| w.trim().eq_ignore_ascii_case("close")));
    let next = if has_body || wants_close || version == "HTTP/1.0" { Next::Close } else { Next::Keep };
    write_answer(stream, "200 OK", text, method, &next)?;
    Ok(next)
}

fn write_answer(stream: &mut impl Write, status: &str, text: &str, method: &str, next: &Next) -> io::Result<()> {
    let connection = if *next == Next::Close { "close" } else { "keep-alive" };
    let length = text.len();
    let head = format!(
        "HTTP/1.1 {status}\r\nServer: certlet\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {length}\r\n\
         Connection: {connection}\r\n\r\n"
    );
    stream.write_all(head.as_bytes())?;
    if method != "HEAD" {
        stream.write_all(text.as_bytes())?;
    }
    stream.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Pipe<'a> {
        input: &'a [u8],
        output: Vec<u8>,
    }

    impl Read for Pipe<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            // A few bytes at a time, as networks do.
            let count = self.input.len().min(7).min(buffer.len());
            buffer[..count].copy_from_slice(&self.input[..count]);
            self.input = &self.input[count..];
            Ok(count)
        }
    }

    impl Write for Pipe<'_> {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.output.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn talk(input: &str) -> String {
        let mut pipe = Pipe { input: input.as_bytes(), output: Vec::new() };
        converse(&mut pipe, "hello\n").unwrap();
        String::from_utf8(pipe.output).unwrap()
    }

    #[test]
    fn requests_follow_one_another_until_one_closes() {
        let said = talk(
            "GET / HTTP/1.1\r\nHost: a\r\n\r\nHEAD / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\nConnection: Close\r\n\r\nGET / HTTP/1.1\r\n\r\n",
        );
        assert_eq!(said.matches("200 OK").count(), 3);
        assert_eq!(said.matches("hello").count(), 2);
        assert!(said.contains("Connection: close"));
    }

    #[test]
    fn what_is_no_request_or_has_a_body_ends_it() {
        for (input, status) in [
            ("nonsense\r\n\r\nGET / HTTP/1.1\r\n\r\n", "400"),
            ("POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\nGET GET / HTTP/1.1\r\n\r\n", "200"),
            ("GET / HTTP/1.0\r\n\r\nGET / HTTP/1.1\r\n\r\n", "200"),
        ] {
            let said = talk(input);
            assert_eq!((said.matches("HTTP/1.1 ").count(), said.contains(status)), (1, true), "{said}");
        }
        let long = format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(MAX_HEAD));
        let mut pipe = Pipe { input: long.as_bytes(), output: Vec::new() };
        assert!(converse(&mut pipe, "").is_err());
    }
}
