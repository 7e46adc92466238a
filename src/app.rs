//! The page shell and the route table: which page stands at which address.
