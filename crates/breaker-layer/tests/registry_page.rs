//! The page of a large table is written as it goes.
#![cfg(all(feature = "keyed", feature = "serde"))]

use std::io;

use allocation_counter::measure;
use breaker_layer::{Outcome, Registry, keyed::KeyedCircuits};

/// Counts what is written, and keeps nothing.
#[derive(Default)]
struct Page {
    bytes: usize,
    longest_write: usize,
}

impl io::Write for Page {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.bytes += text.len();
        self.longest_write = self.longest_write.max(text.len());
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What writing the page of so many circuits takes at the most at a time, and the page.
fn page_of(keys: u64) -> (u64, Page) {
    let builder = KeyedCircuits::<u64>::builder("table").max_circuits(keys as usize);
    let table = builder.build().unwrap();
    for key in 0..keys {
        table.try_acquire(key).unwrap().record(Outcome::Failure);
    }
    let registry = Registry::new();
    registry.add_keyed(&table).unwrap();
    let mut page = Page::default();
    let memory = measure(|| serde_json::to_writer(&mut page, &registry).unwrap());
    (memory.bytes_max, page)
}

#[test]
fn the_page_of_a_large_table_is_written_a_circuit_at_a_time_and_listed_a_part_at_a_time() {
    for keys in [1_000, 40_000] {
        let (memory, page) = page_of(keys);
        println!(
            "{keys} circuits: {} bytes, written with {memory} at a time",
            page.bytes
        );
        assert!(page.bytes as u64 > 200 * keys);
        assert!(page.longest_write < 1024, "{}", page.longest_write);
        // The handles of one part, and what one circuit's text takes.
        assert!(memory < 4096 + 2 * keys, "{memory}");
    }
}
