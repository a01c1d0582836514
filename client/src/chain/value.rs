//! SCALE values as JSON and as text, by the types that the metadata names.

use super::records::{Node, Object};
use crate::{address::address, amount::Amount};
use serde_json::{json, Map, Value as Json};
use std::str::FromStr;
use subxt::{
	ext::scale_value::{Composite, Primitive, Value, ValueDef},
	metadata::Metadata,
	utils::AccountId32,
};

/// Longest byte string that text shows whole.
const TEXT_BYTES: usize = 36;

/// For whom a value is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Style {
	/// Amounts as decimal strings of the smallest unit, bytes whole.
	Machine,
	/// Amounts in ASY, long byte strings cut.
	Human,
}

/// `value` as JSON; accounts as SS58, byte strings as 0x hex.
pub(super) fn to_json(value: &Value<u32>, metadata: &Metadata, style: Style) -> Json {
	let name = metadata.types().resolve(value.context).and_then(|ty| ty.path.ident());
	if name.as_deref() == Some("AccountId32") {
		if let Some(account) = as_bytes(value).and_then(|b| <[u8; 32]>::try_from(b).ok()) {
			return json!(address(&AccountId32(account)).to_string());
		}
	}
	if name.as_deref() == Some("NodeKey") && style == Style::Human {
		if let Some(node) = node(value, metadata) {
			return json!(node.to_string());
		}
	}
	match &value.value {
		ValueDef::Primitive(primitive) => primitive_json(primitive, value, metadata, style),
		ValueDef::BitSequence(bits) => json!(bits.iter().collect::<Vec<bool>>()),
		ValueDef::Composite(composite) => {
			if let Some(bytes) = bytes_of(composite, metadata) {
				return bytes_json(&bytes, style);
			}
			composite_json(composite, metadata, style)
		},
		ValueDef::Variant(variant) => {
			let fields = &variant.values;
			match variant.name.as_str() {
				"None" if fields.is_empty() => Json::Null,
				"Some" => composite_json(fields, metadata, style),
				name if fields.is_empty() => json!(name),
				name => {
					let mut object = Map::new();
					object.insert(name.into(), composite_json(fields, metadata, style));
					Json::Object(object)
				},
			}
		},
	}
}

/// A node of a dispute, to be written as one.
fn node(value: &Value<u32>, metadata: &Metadata) -> Option<Node> {
	let ValueDef::Composite(Composite::Named(fields)) = &value.value else { return None };
	let field = |name: &str| fields.iter().find(|(key, _)| key == name).map(|(_, value)| value);
	let number = |name| to_json(field(name)?, metadata, Style::Machine).as_u64();
	let object = to_json(field("object")?, metadata, Style::Machine);
	Some(Node {
		object: match object.get("Tensor") {
			Some(entry) => Object::Tensor(u32::try_from(entry.as_u64()?).ok()?),
			None => Object::Trace,
		},
		level: u8::try_from(number("level")?).ok()?,
		index: number("index")?,
	})
}

fn composite_json(composite: &Composite<u32>, metadata: &Metadata, style: Style) -> Json {
	match composite {
		Composite::Named(fields) => Json::Object(
			fields.iter().map(|(k, v)| (k.clone(), to_json(v, metadata, style))).collect(),
		),
		Composite::Unnamed(values) => match values.as_slice() {
			[only] => to_json(only, metadata, style),
			values => values.iter().map(|v| to_json(v, metadata, style)).collect(),
		},
	}
}

fn primitive_json(
	primitive: &Primitive,
	value: &Value<u32>,
	metadata: &Metadata,
	style: Style,
) -> Json {
	match primitive {
		Primitive::Bool(b) => json!(b),
		Primitive::Char(c) => json!(c),
		Primitive::String(s) => json!(s),
		// The decoder widens every unsigned integer; only balances are 128 bits wide here.
		Primitive::U128(n) if is_balance(value.context, metadata) => match style {
			Style::Machine => json!(n.to_string()),
			Style::Human => json!(Amount(*n).to_string()),
		},
		Primitive::U128(n) => u64::try_from(*n).map_or_else(|_| json!(n.to_string()), |n| json!(n)),
		Primitive::I128(n) => i64::try_from(*n).map_or_else(|_| json!(n.to_string()), |n| json!(n)),
		Primitive::U256(bytes) | Primitive::I256(bytes) => bytes_json(bytes, style),
	}
}

fn is_balance(type_id: u32, metadata: &Metadata) -> bool {
	let Some(ty) = metadata.types().resolve(type_id) else { return false };
	// Formatting the definition avoids naming the registry's crate for one comparison.
	format!("{:?}", ty.type_def).contains("Primitive(U128)")
}

/// The bytes of a sequence or array of `u8`, or of a wrapper around one.
fn bytes_of(composite: &Composite<u32>, metadata: &Metadata) -> Option<Vec<u8>> {
	let Composite::Unnamed(values) = composite else { return None };
	if let [only] = values.as_slice() {
		if let ValueDef::Composite(inner) = &only.value {
			return bytes_of(inner, metadata);
		}
	}
	let first = values.first()?;
	let ty = metadata.types().resolve(first.context)?;
	if !format!("{:?}", ty.type_def).contains("Primitive(U8)") {
		return None;
	}
	values.iter().map(byte).collect()
}

fn as_bytes(value: &Value<u32>) -> Option<Vec<u8>> {
	let ValueDef::Composite(Composite::Unnamed(values)) = &value.value else { return None };
	match values.as_slice() {
		[only] if !matches!(only.value, ValueDef::Primitive(_)) => as_bytes(only),
		values => values.iter().map(byte).collect(),
	}
}

fn byte(value: &Value<u32>) -> Option<u8> {
	match &value.value {
		ValueDef::Primitive(Primitive::U128(n)) => u8::try_from(*n).ok(),
		_ => None,
	}
}

fn bytes_json(bytes: &[u8], style: Style) -> Json {
	if style == Style::Human && bytes.len() > TEXT_BYTES {
		return json!(format!("0x{}… ({} bytes)", hex::encode(&bytes[..8]), bytes.len()));
	}
	json!(format!("0x{}", hex::encode(bytes)))
}

/// JSON as a line of text: `key value, key value`.
fn to_text(value: &Json) -> String {
	match value {
		Json::Null => "none".into(),
		Json::String(s) => short_hash(s),
		Json::Array(items) => {
			let items: Vec<_> = items.iter().map(to_text).collect();
			format!("[{}]", items.join(", "))
		},
		Json::Object(fields) => {
			let fields: Vec<_> = fields.iter().map(|(key, value)| named_text(key, value)).collect();
			fields.join(", ")
		},
		other => other.to_string(),
	}
}

/// A field as text.
pub(super) fn named_text(name: &str, value: &Json) -> String {
	match value {
		Json::Object(_) => format!("{name} {{{}}}", to_text(value)),
		_ => format!("{name} {}", to_text(value)),
	}
}

/// 32-byte hashes and accounts cut to what tells them apart.
fn short_hash(text: &str) -> String {
	let hash = text.starts_with("0x") && text.len() == 66;
	// Parsing checks the checksum: nothing else passes for an address.
	let account = (46..=50).contains(&text.len()) && AccountId32::from_str(text).is_ok();
	if hash || account {
		format!("{}…", &text[..10])
	} else {
		text.into()
	}
}
