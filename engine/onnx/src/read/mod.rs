//! Reading files, all of which are hostile: the format, the tensors in it, and those beside it.

mod declared;
mod external;
mod proto;
mod tensor;
mod wire;

pub(crate) use declared::element;
pub(crate) use external::Files;
pub(crate) use proto::{
	Attribute, AttributeValue, Dim, Function, FunctionKey, Graph, Model, Node, Port, SparseTensor,
	Tensor,
};
pub(crate) use tensor::{decode, decode_any, decode_sparse, Decoded};
pub(crate) use wire::WireError;
