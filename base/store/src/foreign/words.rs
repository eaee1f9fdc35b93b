//! The words of a dump, one after the other: it is read as it streams by, whatever its size.
//!
//! MariaDB and PostgreSQL write texts differently: a backslash in one stands for something only in the former. Which of
//! them it is says the dump itself ([`Words::literal_backslashes`]).

use std::io::BufRead;

/// Whether its texts are UTF-8 is for whoever needs them.
#[derive(Debug, PartialEq)]
pub(super) enum Word {
    /// A keyword, a name without quotes, or a number.
    Plain(String),
    /// A name in backquotes or double quotes.
    Name(String),
    /// A text in quotes.
    Text(Vec<u8>),
    Sign(u8),
}

pub(super) struct Words<R> {
    input: R,
    line: usize,
    /// A backslash is a letter like others.
    literal: bool,
    /// How many dumps have begun that did not end: both programs say so in comments.
    open: usize,
}

impl<R: BufRead> Words<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, line: 1, literal: false, open: 0 }
    }

    pub(super) fn unfit(&self, what: &str) -> String {
        format!("{what}, at line {}.", self.line)
    }

    /// From here on a backslash stands for itself.
    pub(super) fn literal_backslashes(&mut self) {
        self.literal = true;
    }

    /// Whether a dump has begun and did not end.
    pub(super) fn cut_short(&self) -> bool {
        self.open > 0
    }

    fn peek(&mut self) -> Result<Option<u8>, String> {
        match self.input.fill_buf() {
            Ok(bytes) => Ok(bytes.first().copied()),
            Err(error) => Err(format!("it cannot be read: {error}.")),
        }
    }

    fn take(&mut self) -> Result<Option<u8>, String> {
        let next = self.peek()?;
        if let Some(byte) = next {
            self.input.consume(1);
            self.line += usize::from(byte == b'\n');
        }
        Ok(next)
    }

    fn take_if(&mut self, wanted: u8) -> Result<bool, String> {
        let there = self.peek()? == Some(wanted);
        if there {
            self.take()?;
        }
        Ok(there)
    }

    /// The rest of the line, without its end; `None` at the end of the file.
    pub(super) fn rest_of_line(&mut self) -> Result<Option<Vec<u8>>, String> {
        let mut line = Vec::new();
        while let Some(byte) = self.take()? {
            if byte == b'\n' {
                if line.last() == Some(&b'\r') {
                    line.pop();
                }
                return Ok(Some(line));
            }
            line.push(byte);
        }
        Ok(if line.is_empty() { None } else { Some(line) })
    }

    /// The next word, which must be there.
    pub(super) fn some(&mut self) -> Result<Word, String> {
        self.next()?.ok_or_else(|| self.unfit("the file ends in the middle of a statement"))
    }

    /// Goes on behind the end of the statement.
    pub(super) fn skip(&mut self) -> Result<(), String> {
        while self.next()?.is_some_and(|word| word != Word::Sign(b';')) {}
        Ok(())
    }

    pub(super) fn next(&mut self) -> Result<Option<Word>, String> {
        while let Some(byte) = self.take()? {
            let word = match byte {
                b' ' | b'\t' | b'\r' | b'\n' => continue,
                b'-' if self.take_if(b'-')? => {
                    self.comment()?;
                    continue;
                }
                b'/' if self.take_if(b'*')? => {
                    self.leave_block()?;
                    continue;
                }
                b'`' | b'"' => Word::Name(String::from_utf8_lossy(&self.quoted(byte, true)?).into_owned()),
                b'\'' => Word::Text(self.quoted(byte, self.literal)?),
                b'$' if self.literal => self.dollars()?,
                _ if is_plain(byte) || byte == b'-' => self.plain(byte)?,
                _ => Word::Sign(byte),
            };
            return Ok(Some(word));
        }
        Ok(None)
    }

    /// A comment to the end of the line. It may say that a dump begins here, or ends.
    fn comment(&mut self) -> Result<(), String> {
        let line = self.rest_of_line()?.unwrap_or_default();
        let said = String::from_utf8_lossy(&line);
        let said = said.trim();
        let begins = |heads: &[&str]| heads.iter().any(|head| said.starts_with(head));
        match said {
            "PostgreSQL database dump" | "PostgreSQL database cluster dump" => self.open += 1,
            _ if begins(&["MySQL dump ", "MariaDB dump "]) => self.open += 1,
            _ if begins(&[
                "Dump completed",
                "PostgreSQL database dump complete",
                "PostgreSQL database cluster dump complete",
            ]) =>
            {
                self.open = self.open.saturating_sub(1);
            }
            _ => {}
        }
        Ok(())
    }

    fn leave_block(&mut self) -> Result<(), String> {
        while let Some(byte) = self.take()? {
            if byte == b'*' && self.take_if(b'/')? {
                return Ok(());
            }
        }
        Err(self.unfit("the file ends in the middle of a comment"))
    }

    /// A word that begins so. Numbers have signs and a point, names do not: `public.user` is three words.
    fn plain(&mut self, first: u8) -> Result<Word, String> {
        let mut word = vec![first];
        let number = first.is_ascii_digit() || first == b'-';
        while let Some(byte) = self.peek()? {
            let exponent = number && b"+-".contains(&byte) && matches!(word.last(), Some(b'e' | b'E'));
            if !(is_plain(byte) || exponent || number && byte == b'.') {
                break;
            }
            self.take()?;
            word.push(byte);
        }
        if self.literal && word == b"E" && self.take_if(b'\'')? {
            return self.quoted(b'\'', false).map(Word::Text);
        }
        Ok(Word::Plain(String::from_utf8_lossy(&word).into_owned()))
    }

    /// What stands before the closing quote. A quote in it is written twice, or behind a backslash.
    fn quoted(&mut self, quote: u8, literal: bool) -> Result<Vec<u8>, String> {
        let mut text = Vec::new();
        while let Some(byte) = self.take()? {
            match byte {
                b'\\' if !literal => match self.take()? {
                    Some(b'n') => text.push(b'\n'),
                    Some(b'r') => text.push(b'\r'),
                    Some(b't') => text.push(b'\t'),
                    Some(b'0') => text.push(0),
                    Some(b'Z') => text.push(0x1a),
                    Some(other) => text.push(other),
                    None => break,
                },
                _ if byte != quote => text.push(byte),
                _ if self.take_if(quote)? => text.push(quote),
                _ => return Ok(text),
            }
        }
        Err(self.unfit("the file ends in the middle of a text"))
    }

    /// PostgreSQL writes what has many quotes, like a function, as `$tag$…$tag$`.
    fn dollars(&mut self) -> Result<Word, String> {
        let mut tag = vec![b'$'];
        while self.peek()?.is_some_and(is_plain) {
            tag.extend(self.take()?);
        }
        if !self.take_if(b'$')? {
            return Ok(Word::Plain(String::from_utf8_lossy(&tag).into_owned()));
        }
        tag.push(b'$');
        let mut text = Vec::new();
        while let Some(byte) = self.take()? {
            text.push(byte);
            if byte == b'$' && text.ends_with(&tag) {
                text.truncate(text.len() - tag.len());
                return Ok(Word::Text(text));
            }
        }
        Err(self.unfit("the file ends in the middle of a text"))
    }
}

/// Letters beyond ASCII are of names.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}
