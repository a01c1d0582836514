mod endorsement;
mod recall;
mod registration;
mod retirement;
mod sequences;
mod weight;
