package account

// Role is a member's role in an account. The zero value has no rights.
type Role string

// The roles, each including what the one before may. An operator works for the API company and is no member of an account.
const (
	Viewer    Role = "viewer"
	Developer Role = "developer"
	Owner     Role = "owner"
)

// RoleOperator and RoleSystem are the audit trail's names for those who act without being members.
const (
	RoleOperator = "operator"
	RoleSystem   = "system"
)

// Action is something that a caller may or may not do to an account. The zero Action is allowed to nobody.
type Action string

// The actions of members.
const (
	ReadKeys      Action = "read_keys"
	ReadUsage     Action = "read_usage"
	ReadRequests  Action = "read_requests"
	ReadMembers   Action = "read_members"
	ReadAudit     Action = "read_audit"
	WriteKeys     Action = "write_keys" // create, edit, rotate, disable, enable, propose
	FileRequests  Action = "file_requests"
	RevokeKeys    Action = "revoke_keys"
	DeleteKeys    Action = "delete_keys" // and restore
	RevealKeys    Action = "reveal_keys"
	ManageMembers Action = "manage_members"
	RenameAccount Action = "rename_account"
)

// The actions of operators.
const (
	LookUp         Action = "look_up"
	BlockKeys      Action = "block_keys"
	DecideRequests Action = "decide_requests"
	SetAccountType Action = "set_account_type"
	SetKeyLimit    Action = "set_key_limit"
	SetLimits      Action = "set_limits" // of a key, without a request
	SetBilling     Action = "set_billing_types"
	CloseAccount   Action = "close_account"
	ManageOperator Action = "manage_operators"
)

// least is the lowest role that may do an action; the roles above it may do it too.
var least = map[Action]Role{
	ReadKeys: Viewer, ReadUsage: Viewer, ReadRequests: Viewer, ReadMembers: Viewer, ReadAudit: Viewer,
	WriteKeys: Developer, FileRequests: Developer,
	RevokeKeys: Owner, DeleteKeys: Owner, RevealKeys: Owner, ManageMembers: Owner, RenameAccount: Owner,
}

var rank = map[Role]int{Viewer: 1, Developer: 2, Owner: 3}

// operators lists the actions of operators in any account: look, block and decide, but never act as the customer.
var operators = map[Action]bool{
	LookUp: true, BlockKeys: true, DecideRequests: true, SetAccountType: true, SetKeyLimit: true, SetLimits: true, SetBilling: true,
	CloseAccount: true, ManageOperator: true,
	ReadKeys: true, ReadUsage: true, ReadRequests: true, ReadMembers: true, ReadAudit: true,
}

// May reports whether a member of this role may do an action.
func (r Role) May(a Action) bool {
	need, known := least[a]
	return known && rank[r] >= rank[need]
}

// OperatorMay reports whether an operator may do an action in an account of which they are no member.
func OperatorMay(a Action) bool { return operators[a] }
