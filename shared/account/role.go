package account

// Role is a member's role in an account. The zero value may nothing.
type Role string

// The roles, each including what the one before may. An operator is staff, not a member.
const (
	Viewer    Role = "viewer"
	Developer Role = "developer"
	Owner     Role = "owner"
)
