use super::*;
use crate::{testing::World, tree::open_node};
use proptest::prelude::*;

const ENTRY: u32 = 2;

impl World {
	fn object_bytes(&self, object: Object) -> &[u8] {
		match object {
			Object::Trace => &self.trace,
			Object::Tensor(entry) => &self.tensors[entry as usize],
		}
	}

	fn open(&self, key: &NodeKey) -> Opening {
		let bytes = self.object_bytes(key.object);
		let level = key.level_in(bytes.len() as u64).unwrap();
		let (payload, path) = open_node(bytes, level, key.index).unwrap();
		let (entry, record) = match key.object {
			Object::Trace => (None, None),
			Object::Tensor(entry) => {
				let chunk = u64::from(entry) / ENTRIES_PER_CHUNK;
				let record = Slice::make(&self.program_bytes, u64::from(entry) + 1, 1);
				(Some(Slice::make(&self.trace, chunk, 1).unwrap()), Some(record.unwrap()))
			},
		};
		Opening { entry, record, path, payload }
	}
}

fn key(object: Object, level: u8, index: u64) -> NodeKey {
	NodeKey { object, level, index }
}

#[test]
fn every_node_of_an_execution_opens() {
	let world = World::new();
	let c = &world.commitments;
	for entry in 0..c.n_ops {
		let len = world.tensors[entry as usize].len() as u64;
		let top = NodeKey::top(Object::Tensor(entry));
		let opened = verify_opening(c, &top, &world.open(&top));
		assert_eq!(opened, Ok(Opened { object_len: len, level: tree::top(len) }));
		if tree::top(len) > 0 {
			for index in 0..tree::chunk_count(len) {
				let chunk = key(Object::Tensor(entry), 0, index);
				assert!(is_child(&top, len, &chunk));
				assert!(verify_opening(c, &chunk, &world.open(&chunk)).is_ok());
			}
		}
	}
	let top = NodeKey::top(Object::Trace);
	let opened = verify_opening(c, &top, &world.open(&top));
	assert_eq!(opened, Ok(Opened { object_len: 32 * 7, level: 0 }));
}

#[test]
fn a_node_has_one_name() {
	let object = Object::Tensor(0);
	assert_eq!(NodeKey::top(object).level_in(1 << 20), Some(1));
	assert_eq!(key(object, 1, 0).level_in(1 << 20), None);
	assert_eq!(key(object, NodeKey::TOP, 1).level_in(1 << 20), None);
	assert_eq!(key(object, 0, 1023).level_in(1 << 20), Some(0));
	assert_eq!(key(object, 0, 1024).level_in(1 << 20), None);
	assert_eq!(key(object, 0, 0).level_in(10), None);
	assert_eq!(key(object, 254, u64::MAX).level_in(u64::MAX), None);
}

#[test]
fn children_follow_the_tree() {
	let trace_len = 32 * 100;
	let top = NodeKey::top(Object::Trace);
	let chunk = |index| key(Object::Trace, 0, index);
	assert!(is_child(&top, trace_len, &chunk(3)));
	assert!(!is_child(&top, trace_len, &chunk(4)));
	assert!(!is_child(&top, trace_len, &top));
	let tensor = |entry| NodeKey::top(Object::Tensor(entry));
	assert!(!is_child(&top, trace_len, &tensor(0)));
	assert!(is_child(&chunk(1), trace_len, &tensor(32)));
	assert!(is_child(&chunk(1), trace_len, &tensor(63)));
	assert!(!is_child(&chunk(1), trace_len, &tensor(64)));
	assert!(is_child(&chunk(3), trace_len, &tensor(99)));
	assert!(!is_child(&chunk(3), trace_len, &tensor(100)));
	assert!(!is_child(&chunk(1), trace_len, &key(Object::Tensor(32), 0, 0)));
	// A trace of one chunk: its top is the chunk.
	assert!(is_child(&top, 32 * 7, &tensor(6)));
	assert!(!is_child(&top, 32 * 7, &tensor(7)));
	let len = 3 << 20;
	let object = Object::Tensor(5);
	assert!(is_child(&NodeKey::top(object), len, &key(object, 1, 2)));
	assert!(!is_child(&NodeKey::top(object), len, &key(object, 0, 2)));
	assert!(is_child(&key(object, 1, 2), len, &key(object, 0, 2048)));
	assert!(!is_child(&key(object, 1, 1), len, &key(object, 0, 2048)));
	assert!(!is_child(&key(object, 1, 2), len, &key(Object::Tensor(6), 0, 2048)));
	assert!(!is_child(&key(object, 1, 3), len, &key(object, 0, 3072)));
}

#[test]
fn wrong_parts_are_refused() {
	let world = World::new();
	let c = &world.commitments;
	let top = NodeKey::top(Object::Tensor(ENTRY));
	let good = world.open(&top);
	let with = |change: &dyn Fn(&mut Opening)| {
		let mut opening = good.clone();
		change(&mut opening);
		verify_opening(c, &top, &opening)
	};
	assert!(with(&|_| ()).is_ok());
	assert_eq!(with(&|o| o.entry = None), Err(OpeningError::Parts));
	assert_eq!(with(&|o| o.record = None), Err(OpeningError::Parts));
	let other = Slice::make(&world.program_bytes, 1, 1).unwrap();
	assert_eq!(with(&|o| o.record = Some(other.clone())), Err(OpeningError::Parts));
	assert_eq!(with(&|o| o.payload.truncate(5)), Err(OpeningError::Payload));
	assert_eq!(with(&|o| o.path.push([0; 32])), Err(OpeningError::Path));
	assert_eq!(with(&|o| o.payload[0] ^= 1), Err(OpeningError::Root));
	let beyond = NodeKey::top(Object::Tensor(7));
	assert_eq!(verify_opening(c, &beyond, &good), Err(OpeningError::NoSuchNode));
	let trace = NodeKey::top(Object::Trace);
	assert_eq!(verify_opening(c, &trace, &good), Err(OpeningError::Parts));
	let chunk = key(Object::Tensor(ENTRY), 0, 7);
	assert_eq!(verify_opening(c, &chunk, &good), Err(OpeningError::NoSuchNode));
}

#[test]
fn last_entry() {
	let world = World::new();
	let c = &world.commitments;
	let slice = Slice::make(&world.trace, 0, 1).unwrap();
	let output = tree::hash(&world.tensors[6]);
	assert_eq!(verify_last_entry(&c.trace_root, 7, &output, &slice), Ok(()));
	let first = tree::hash(&world.tensors[0]);
	assert!(verify_last_entry(&c.trace_root, 7, &first, &slice).is_err());
	assert!(verify_last_entry(&c.trace_root, 6, &output, &slice).is_err());
	assert!(verify_last_entry(&c.trace_root, 0, &output, &slice).is_err());
	assert!(verify_last_entry(&c.trace_root, 40, &output, &slice).is_err());
	assert!(verify_last_entry(&c.trace_root, u32::MAX, &output, &slice).is_err());
}

proptest! {
	#[test]
	fn a_flipped_bit_is_refused(flip: u64, chunk: bool) {
		let world = World::new();
		let object = Object::Tensor(ENTRY);
		let key = if chunk { key(object, 0, 3) } else { NodeKey::top(object) };
		let good = world.open(&key);
		let mut bytes = good.encode();
		let bit = flip % (8 * bytes.len() as u64);
		bytes[(bit / 8) as usize] ^= 1 << (bit % 8);
		if let Ok(changed) = Opening::decode(&mut &bytes[..]) {
			if changed != good {
				prop_assert!(verify_opening(&world.commitments, &key, &changed).is_err());
			}
		}
	}
}
