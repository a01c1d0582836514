mod agenda;
mod assignment;
mod authorization;
mod faults;
mod hostile;
mod requests;
mod results;
mod worker;
