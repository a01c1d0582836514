//! Reading files, all of which are hostile: the format, the tensors in it, and those beside it.

mod external;
mod proto;
mod tensor;
mod wire;

pub(crate) use external::Files;
pub(crate) use proto::{Attribute, Dim, Graph, Model, Node, Port, Tensor};
pub(crate) use tensor::{decode, decode_any, element, Decoded};
