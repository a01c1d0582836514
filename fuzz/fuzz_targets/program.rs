//! Whatever is accepted as a program encodes to the same bytes, and the checks do not panic.

#![no_main]

use assay_referee::Program;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
	if let Ok(program) = Program::decode(bytes) {
		assert_eq!(program.encode().as_deref(), Ok(bytes));
		if program.check().is_ok() {
			program.units();
			program.header.output_layout();
		}
	}
});
