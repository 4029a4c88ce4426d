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
	ReadKeys       Action = "read_keys"
	ReadUsage      Action = "read_usage"
	ReadRequests   Action = "read_requests"
	ReadMembers    Action = "read_members"
	ReadAudit      Action = "read_audit"
	WriteKeys      Action = "write_keys" // create, edit, rotate, disable, enable, propose
	FileRequests   Action = "file_requests"
	RevokeKeys     Action = "revoke_keys"
	DeleteKeys     Action = "delete_keys" // and restore
	RevealKeys     Action = "reveal_keys"
	ManageMembers  Action = "manage_members"
	RenameAccount  Action = "rename_account"
	SetPrincipals  Action = "set_principals" // who may read delivered secrets
	LeaveService   Action = "leave_service"  // export and close the account
	ReadStatements Action = "read_statements"
	AcceptPaths    Action = "accept_paths"   // open to all keys what a product has come to cover
	SetPolicy      Action = "set_policy"     // of the account, for all its keys
	LiftExposures  Action = "lift_exposures" // let an exposed secret work again
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
	RevokeAnyKey   Action = "revoke_any_key"
	CloseAccount   Action = "close_account"
	SuspendAccount Action = "suspend_account" // and resume
	ManageOperator Action = "manage_operators"
	ErasePeople    Action = "erase_people"
	ReportLeaks    Action = "report_leaks"     // as one of the company's own, which is trusted
	EndSessions    Action = "end_sessions"     // of anybody, in the console
	CloseStatement Action = "close_statements" // of months of which something is left
)

// least is the lowest role that may do an action; the roles above it may do it too.
var least = map[Action]Role{
	ReadKeys: Viewer, ReadUsage: Viewer, ReadRequests: Viewer, ReadMembers: Viewer, ReadAudit: Viewer,
	WriteKeys: Developer, FileRequests: Developer,
	RevokeKeys: Owner, DeleteKeys: Owner, RevealKeys: Owner, ManageMembers: Owner, RenameAccount: Owner,
	SetPrincipals: Owner, LeaveService: Owner, AcceptPaths: Owner, ReadStatements: Owner, SetPolicy: Owner, LiftExposures: Owner,
}

var rank = map[Role]int{Viewer: 1, Developer: 2, Owner: 3}

// Rank is an operator's rank. The zero value has no rights.
type Rank string

// The ranks: support looks and finds, and admin may do all that operators may.
const (
	Support Rank = "support"
	Admin   Rank = "admin"
)

// leastRank is the lowest rank that may do an action in any account. Operators look and decide, but never act as the customer.
var leastRank = map[Action]Rank{
	LookUp: Support, ReadKeys: Support, ReadUsage: Support, ReadRequests: Support, ReadMembers: Support, ReadAudit: Support, ReadStatements: Support,
	BlockKeys: Admin, RevokeAnyKey: Admin, DecideRequests: Admin, SetAccountType: Admin, SetKeyLimit: Admin, SetLimits: Admin, SetBilling: Admin, CloseAccount: Admin, SuspendAccount: Admin,
	ManageOperator: Admin, ErasePeople: Admin, EndSessions: Admin, CloseStatement: Admin, ReportLeaks: Admin,
}

var rankOrder = map[Rank]int{Support: 1, Admin: 2}

// May reports whether a member of this role may do an action.
func (r Role) May(a Action) bool {
	need, known := least[a]
	return known && rank[r] >= rank[need]
}

// MayGrant reports whether a member of this role may make somebody else one of the other role.
func (r Role) MayGrant(other Role) bool {
	return r.May(ManageMembers) && rank[other] > 0 && rank[r] >= rank[other]
}

// Granters lists the roles whose members may grant a role.
func Granters(other Role) (list []Role) {
	for _, r := range []Role{Viewer, Developer, Owner} {
		if r.MayGrant(other) {
			list = append(list, r)
		}
	}
	return list
}

// May reports whether an operator of this rank may do an action in an account of which they are no member.
func (r Rank) May(a Action) bool {
	need, known := leastRank[a]
	return known && rankOrder[r] >= rankOrder[need]
}
