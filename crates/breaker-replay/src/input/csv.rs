//! CSV, one record a line, under a header or columns that are known.

use csv_core::{ReadRecordResult, Reader};

use super::{
    fields::{Fields, Names, Slot, Value},
    lines::LONGEST,
};

/// A record may have so many columns.
const COLUMNS: usize = 1024;

/// Reads records.
pub(crate) struct Csv {
    reader: Reader,
    /// What the columns are called, and the fields that they stand for.
    header: Vec<(String, Vec<Slot>)>,
    text: Box<[u8]>,
    ends: Box<[usize]>,
}

impl Csv {
    /// With these columns.
    pub(crate) fn of(columns: &[String], names: &Names) -> Self {
        Self {
            // A clone of one that is there reads nothing right (csv-core 0.1.13).
            reader: Reader::new(),
            header: header(columns, names),
            text: vec![0; LONGEST].into(),
            ends: vec![0; COLUMNS].into(),
        }
    }

    /// Takes a line for the header; whether it may be one.
    pub(crate) fn learn(&mut self, line: &[u8], names: &Names) -> bool {
        let Some(record) = self.record(line) else {
            return false;
        };
        let name = |name: &[u8]| String::from_utf8_lossy(name.trim_ascii()).into_owned();
        let columns: Vec<_> = record.map(name).collect();
        self.header = header(&columns, names);
        true
    }

    /// What the columns are called.
    pub(crate) fn columns(&self) -> impl Iterator<Item = &str> {
        self.header.iter().map(|(name, _)| name.as_str())
    }

    /// The fields of a record; `None` if it is none, or has not as many columns as it should.
    pub(crate) fn fields<'a>(&'a mut self, line: &[u8], fields: &mut Fields<'a>) -> Option<()> {
        let count = self.read(line);
        let count = count.filter(|count| *count == self.header.len())?;
        let columns = Columns::of(&self.text, &self.ends[..count]);
        for ((_, slots), value) in self.header.iter().zip(columns) {
            for slot in slots {
                fields.set(*slot, Value::text(value));
            }
        }
        Some(())
    }

    fn record(&mut self, line: &[u8]) -> Option<Columns<'_>> {
        let count = self.read(line)?;
        Some(Columns::of(&self.text, &self.ends[..count]))
    }

    /// Cuts a line; how many columns it has.
    fn read(&mut self, line: &[u8]) -> Option<usize> {
        self.reader.reset();
        let (mut columns, mut written) = (0, 0);
        // An empty piece says that the text is over, where the first one has not done so.
        for piece in [line, b""] {
            let (result, _, bytes, ends) = self.reader.read_record(
                piece,
                &mut self.text[written..],
                &mut self.ends[columns..],
            );
            (written, columns) = (written + bytes, columns + ends);
            match result {
                ReadRecordResult::Record => return Some(columns),
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull
                | ReadRecordResult::OutputEndsFull
                | ReadRecordResult::End => return None,
            }
        }
        None
    }
}

fn header(columns: &[String], names: &Names) -> Vec<(String, Vec<Slot>)> {
    let slots = |name: &String| (name.clone(), names.slots(name.as_bytes()));
    columns.iter().map(slots).collect()
}

/// The columns of one record.
struct Columns<'a> {
    text: &'a [u8],
    ends: std::slice::Iter<'a, usize>,
    start: usize,
}

impl<'a> Columns<'a> {
    fn of(text: &'a [u8], ends: &'a [usize]) -> Self {
        Self {
            text,
            ends: ends.iter(),
            start: 0,
        }
    }
}

impl<'a> Iterator for Columns<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<Self::Item> {
        let end = *self.ends.next()?;
        let column = &self.text[self.start..end];
        self.start = end;
        Some(column)
    }
}
