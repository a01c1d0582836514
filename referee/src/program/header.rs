//! The byte form of headers: record 0 of a program, and the table of ports of those whose inputs and outputs
//! record 0 has no room for. The fields are those of [`super::codec`].

use super::codec::{put, u16_at, u32_at, u64_at, HeaderError, NUMERICS_VERSION, OP_COUNT_AT};
use super::{Header, TensorSpec, MAX_OPS, MAX_PORTS, MAX_TABLE_RECORDS, RECORD_BYTES};
use crate::{tree, DType, Root, Shape, MAX_RANK, MAX_TENSOR_BYTES};
use alloc::vec::Vec;

/// First bytes of every program.
pub const MAGIC: &[u8; 8] = b"ASSAYPRG";

/// Version of the byte form whose ports lie in record 0.
const NARROW: u16 = 1;
/// Version of the byte form with a table of ports.
const WIDE: u16 = 2;
/// Most inputs, and most outputs, that record 0 has.
const NARROW_PORTS: usize = 16;

const WEIGHTS_LEN_AT: usize = 16;
const COUNTS_AT: usize = 24;
const TABLE_HASH_AT: usize = 32;
const PORTS_AT: usize = 64;
const PORT_HEAD: usize = 4;

const _: () = assert!(
	2 * MAX_PORTS * (PORT_HEAD + 4 * MAX_RANK) <= MAX_TABLE_RECORDS as usize * RECORD_BYTES
);

impl Header {
	/// Record 0 of a program.
	///
	/// # Errors
	/// No op or no output, too many of either, or too many inputs.
	pub fn to_bytes(&self) -> Result<[u8; RECORD_BYTES], HeaderError> {
		self.bytes_with(&self.table())
	}

	/// The table of ports; empty when record 0 has them.
	pub fn table(&self) -> Vec<u8> {
		let mut bytes = Vec::new();
		if !self.is_narrow() {
			for port in self.ports() {
				put_port(&mut bytes, port);
			}
			bytes.resize(self.table_len(), 0);
		}
		bytes
	}

	/// Bytes of [`Header::table`], a multiple of [`RECORD_BYTES`].
	pub fn table_len(&self) -> usize {
		if self.is_narrow() {
			return 0;
		}
		self.ports_len().next_multiple_of(RECORD_BYTES)
	}

	/// Reads record 0 of a program and its table of ports, strictly. Where record 0 has the ports, `table`
	/// is not looked at.
	///
	/// # Errors
	/// What is malformed, see [`HeaderError`].
	pub fn from_bytes(bytes: &[u8; RECORD_BYTES], table: &[u8]) -> Result<Header, HeaderError> {
		if !bytes.starts_with(MAGIC) {
			return Err(HeaderError::Magic);
		}
		if u16_at(bytes, 10) != NUMERICS_VERSION {
			return Err(HeaderError::Version);
		}
		let (inputs, outputs, ports, table) = match u16_at(bytes, 8) {
			NARROW => {
				let [inputs, outputs] = [bytes[COUNTS_AT], bytes[COUNTS_AT + 1]];
				(inputs.into(), outputs.into(), &bytes[PORTS_AT..], &[][..])
			},
			WIDE => (u16_at(bytes, COUNTS_AT), u16_at(bytes, COUNTS_AT + 2), table, table),
			_ => return Err(HeaderError::Version),
		};
		let (inputs, outputs) = (usize::from(inputs), usize::from(outputs));
		if inputs > MAX_PORTS || outputs > MAX_PORTS {
			return Err(HeaderError::Ports);
		}
		let mut rest = ports;
		let ports = (0..inputs + outputs).map(|_| take_port(&mut rest));
		let mut ports = ports.collect::<Result<Vec<_>, _>>()?;
		let outputs = ports.split_off(inputs);
		let n_ops = u32_at(bytes, OP_COUNT_AT);
		let weights_len = u64_at(bytes, WEIGHTS_LEN_AT);
		let header = Header { n_ops, weights_len, inputs: ports, outputs };
		// Whatever the fields above do not cover must be as the encoder leaves it.
		let own_table = header.table();
		let own = header.bytes_with(&own_table)?;
		let hash = TABLE_HASH_AT..TABLE_HASH_AT + size_of::<Root>();
		if own_table != table {
			return Err(HeaderError::Padding);
		}
		if !table.is_empty() && own[hash.clone()] != bytes[hash] {
			return Err(HeaderError::Table);
		}
		if own != *bytes {
			return Err(HeaderError::Padding);
		}
		Ok(header)
	}

	/// Record 0 of a program whose table of ports has these bytes.
	fn bytes_with(&self, table: &[u8]) -> Result<[u8; RECORD_BYTES], HeaderError> {
		if self.n_ops == 0 || self.n_ops > MAX_OPS {
			return Err(HeaderError::OpCount);
		}
		if self.inputs.len() > MAX_PORTS || !(1..=MAX_PORTS).contains(&self.outputs.len()) {
			return Err(HeaderError::Ports);
		}
		if self.ports().any(|port| port.bytes() > MAX_TENSOR_BYTES) {
			return Err(HeaderError::Shape);
		}
		let narrow = self.is_narrow();
		let mut bytes = [0; RECORD_BYTES];
		put(&mut bytes, 0, MAGIC);
		put(&mut bytes, 8, &if narrow { NARROW } else { WIDE }.to_le_bytes());
		put(&mut bytes, 10, &NUMERICS_VERSION.to_le_bytes());
		put(&mut bytes, OP_COUNT_AT, &self.n_ops.to_le_bytes());
		put(&mut bytes, WEIGHTS_LEN_AT, &self.weights_len.to_le_bytes());
		let (inputs, outputs) = (self.inputs.len() as u16, self.outputs.len() as u16);
		if narrow {
			put(&mut bytes, COUNTS_AT, &[inputs as u8, outputs as u8]);
			let mut ports = Vec::new();
			self.ports().for_each(|port| put_port(&mut ports, port));
			put(&mut bytes, PORTS_AT, &ports);
		} else {
			put(&mut bytes, COUNTS_AT, &inputs.to_le_bytes());
			put(&mut bytes, COUNTS_AT + 2, &outputs.to_le_bytes());
			put(&mut bytes, TABLE_HASH_AT, &tree::hash(table));
		}
		Ok(bytes)
	}

	/// Whether record 0 has room for the ports.
	fn is_narrow(&self) -> bool {
		let few = self.inputs.len() <= NARROW_PORTS && self.outputs.len() <= NARROW_PORTS;
		few && PORTS_AT + self.ports_len() <= RECORD_BYTES
	}

	/// The inputs, then the outputs.
	fn ports(&self) -> impl Iterator<Item = &TensorSpec> {
		self.inputs.iter().chain(&self.outputs)
	}

	/// Bytes of the ports one after another.
	fn ports_len(&self) -> usize {
		self.ports().map(|port| PORT_HEAD + 4 * port.shape.rank()).sum()
	}
}

fn put_port(bytes: &mut Vec<u8>, port: &TensorSpec) {
	bytes.extend([port.dtype.code(), port.shape.rank() as u8, 0, 0]);
	port.shape.dims().iter().for_each(|dim| bytes.extend(dim.to_le_bytes()));
}

/// Takes a port off the front of `bytes`.
fn take_port(bytes: &mut &[u8]) -> Result<TensorSpec, HeaderError> {
	let (head, rest) = bytes.split_first_chunk::<PORT_HEAD>().ok_or(HeaderError::Ports)?;
	let dtype = DType::from_code(head[0]).ok_or(HeaderError::Code)?;
	let rank = usize::from(head[1]);
	if rank > MAX_RANK {
		return Err(HeaderError::Shape);
	}
	let (dims, rest) = rest.split_at_checked(4 * rank).ok_or(HeaderError::Ports)?;
	*bytes = rest;
	let (dims, _) = dims.as_chunks::<4>();
	let dims = dims.iter().map(|dim| u32::from_le_bytes(*dim)).collect::<Vec<_>>();
	let shape = Shape::new(&dims).map_err(|_| HeaderError::Shape)?;
	Ok(TensorSpec { dtype, shape })
}

#[cfg(test)]
mod tests {
	use super::super::codec::{committed, program_root};
	use super::super::tests::small;
	use super::super::{FormatError, Program};
	use super::*;
	use crate::testing::shape;
	use alloc::vec;

	/// The small program with so many more inputs and outputs of rank `rank`.
	fn wide(inputs: usize, outputs: usize, rank: usize) -> Program {
		let mut program = small();
		let port = TensorSpec::new(DType::U8, shape(&vec![1; rank]));
		program.header.inputs.extend(vec![port; inputs]);
		program.header.outputs.extend(vec![port; outputs]);
		program
	}

	#[test]
	fn as_many_ports_as_there_may_be() {
		for (inputs, outputs, rank, records) in [
			(16, 0, 1, 1),
			(0, 16, 0, 1),
			// Not too many, but too long for record 0.
			(15, 15, 8, 2),
			(256, 256, 4, 11),
			(MAX_PORTS - 1, MAX_PORTS - 1, MAX_RANK, MAX_TABLE_RECORDS as usize),
		] {
			let program = wide(inputs, outputs, rank);
			let bytes = program.encode().unwrap();
			assert_eq!(bytes.len(), (2 + records) * RECORD_BYTES, "{inputs} {outputs} {rank}");
			assert_eq!(Program::decode(&bytes), Ok(program.clone()));
			assert_eq!(bytes[8..12], [2, 0, 1, 0]);
			assert_eq!(committed(&bytes), &bytes[..2 * RECORD_BYTES]);
			assert_eq!(program.root(), Ok(program_root(&bytes)));
		}
		for (inputs, outputs) in [(15, 15), (0, 0), (15, 0)] {
			let bytes = wide(inputs, outputs, 0).encode().unwrap();
			assert_eq!((bytes.len(), bytes[8]), (2 * RECORD_BYTES, 1));
		}
		for (inputs, outputs) in [(MAX_PORTS, 0), (0, MAX_PORTS), (70_000, 0)] {
			let error = FormatError::Header(HeaderError::Ports);
			assert_eq!(wide(inputs, outputs, 0).encode(), Err(error));
		}
	}

	#[test]
	fn every_byte_of_a_wide_header_counts() {
		let good = wide(20, 20, 2).encode().unwrap();
		for at in (0..RECORD_BYTES).chain(2 * RECORD_BYTES..good.len()) {
			let mut bytes = good.clone();
			bytes[at] ^= 1;
			// The length of the weights is a number like any other.
			let free = (WEIGHTS_LEN_AT..WEIGHTS_LEN_AT + 8).contains(&at);
			assert_eq!(Program::decode(&bytes).is_ok(), free, "{at}");
		}
		let header = |bytes: &[u8]| match Program::decode(bytes) {
			Err(FormatError::Header(error)) => error,
			other => panic!("{other:?}"),
		};
		let with = |at: usize, value: u8| {
			let mut bytes = good.clone();
			bytes[at] = value;
			header(&bytes)
		};
		assert_eq!(with(TABLE_HASH_AT, good[TABLE_HASH_AT] ^ 1), HeaderError::Table);
		assert_eq!(with(good.len() - 1, 1), HeaderError::Padding);
		assert_eq!(with(2 * RECORD_BYTES, 9), HeaderError::Code);
		assert_eq!(with(2 * RECORD_BYTES + 1, 9), HeaderError::Shape);
		// Another port of the same length.
		assert_eq!(with(2 * RECORD_BYTES + 4, 1), HeaderError::Table);
		assert_eq!(with(COUNTS_AT + 1, 3), HeaderError::Ports);
		assert_eq!(header(&good[..2 * RECORD_BYTES]), HeaderError::Ports);
		let longer = [&good[..], &[0; RECORD_BYTES]].concat();
		assert_eq!(header(&longer), HeaderError::Padding);
		assert_eq!(
			Program::decode(&good[..good.len() - 1]),
			Err(FormatError::Header(HeaderError::Ports))
		);
	}

	#[test]
	fn a_table_that_nobody_needs_is_refused() {
		let mut bytes = wide(20, 20, 2).encode().unwrap();
		// The same in version 2 though record 0 has room for it.
		let few = wide(1, 1, 2);
		let table = [few.header.inputs.clone(), few.header.outputs.clone()].concat();
		let mut ports = Vec::new();
		table.iter().for_each(|port| put_port(&mut ports, port));
		ports.resize(RECORD_BYTES, 0);
		bytes.truncate(2 * RECORD_BYTES);
		bytes[COUNTS_AT..COUNTS_AT + 4].copy_from_slice(&[2, 0, 2, 0]);
		bytes[TABLE_HASH_AT..TABLE_HASH_AT + 32].copy_from_slice(&tree::hash(&ports));
		bytes.extend(ports);
		assert_eq!(Program::decode(&bytes), Err(FormatError::Header(HeaderError::Padding)));
		// Version 1 with records behind the ops.
		let longer = [&few.encode().unwrap()[..], &[0; RECORD_BYTES]].concat();
		assert_eq!(Program::decode(&longer), Err(FormatError::Length));
	}
}
