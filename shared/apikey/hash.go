package apikey

// Hash is SHA-256 of a whole secret. The secret is random, so neither a slow hash nor a pepper adds anything.
type Hash [32]byte
