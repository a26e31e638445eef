//! As much of HTTP/1.1 as a load generator needs: the request is ready-made bytes, an answer tells its length.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// One open connection.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
}

/// What an answer says, its body left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its status.
    pub status: u16,
    /// Length of its body, in bytes.
    pub body: usize,
    /// Whether the server closes the connection after it.
    pub closes: bool,
    /// Whether it has the header that was looked for, if one was.
    pub marked: bool,
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// Nobody listens.
    pub async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            received: Vec::with_capacity(64 << 10),
        })
    }

    /// Sends a whole request and reads the whole answer.
    ///
    /// # Errors
    /// The connection ends before the answer does (`UnexpectedEof` when nothing of it came), or it is no answer.
    pub async fn ask(&mut self, request: &[u8], mark: Option<&str>) -> io::Result<Head> {
        self.received.clear();
        self.stream.write_all(request).await?;
        let (head, length) = loop {
            if self.stream.read_buf(&mut self.received).await? == 0 {
                let kind = match self.received.len() {
                    0 => io::ErrorKind::UnexpectedEof,
                    _ => io::ErrorKind::InvalidData,
                };
                return Err(kind.into());
            }
            if let Some(parsed) = parse_head(&self.received, mark)? {
                break parsed;
            }
        };
        while self.received.len() < length + head.body {
            if self.stream.read_buf(&mut self.received).await? == 0 {
                return Err(io::ErrorKind::InvalidData.into());
            }
        }
        Ok(head)
    }
}

/// The head at the start of `bytes` and its length; `None` while it is not complete.
///
/// # Errors
/// It is not the head of an answer that tells its body's length.
pub fn parse_head(bytes: &[u8], mark: Option<&str>) -> io::Result<Option<(Head, usize)>> {
    let refused = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what);
    let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
        return Ok(None);
    };
    let text =
        str::from_utf8(&bytes[..end]).map_err(|_| refused("the answer's head is not text"))?;
    let mut lines = text.split("\r\n");
    let status = lines
        .next()
        .and_then(|line| line.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok());
    let mut head = Head {
        status: status.ok_or_else(|| refused("the answer has no status"))?,
        body: 0,
        closes: false,
        marked: mark.is_none(),
    };
    let mut body = None;
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        if name.eq_ignore_ascii_case("content-length") {
            body = value.trim().parse().ok();
        } else if name.eq_ignore_ascii_case("connection") {
            head.closes = value.trim().eq_ignore_ascii_case("close");
        }
        head.marked |= mark.is_some_and(|mark| name.eq_ignore_ascii_case(mark));
    }
    head.body = body.ok_or_else(|| refused("the answer does not tell its length"))?;
    Ok(Some((head, end + 4)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_once_it_is_complete() {
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\nX-Model: a\r\n\r\nhello";
        for length in 0..answer.len() - 5 {
            assert_eq!(parse_head(&answer[..length], None).unwrap(), None);
        }
        let (head, length) = parse_head(answer, Some("x-model")).unwrap().unwrap();
        let expected = Head {
            status: 200,
            body: 12,
            closes: false,
            marked: true,
        };
        assert_eq!((head, length), (expected, answer.len() - 5));
    }

    #[test]
    fn an_answer_without_length_or_status_is_refused() {
        for answer in ["HTTP/1.1 200 OK\r\na: b\r\n\r\n", "hello\r\n\r\n"] {
            parse_head(answer.as_bytes(), None).expect_err(answer);
        }
    }
}
