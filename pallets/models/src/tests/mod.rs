mod registration;
mod retirement;
