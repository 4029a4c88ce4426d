package main

import (
	"errors"
	"net/http"
	"strings"

	"latchkey/functions/internal/env"
	"latchkey/functions/internal/gateway"
	"latchkey/functions/internal/web"
	"latchkey/shared/account"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/dynamo/sessions"
	"latchkey/shared/product"
	"latchkey/shared/text"
)

// handler is all operations of this function, by subject: each subject declares what it calls of the store.
type handler struct {
	accounts    accounts
	members     members
	invitations invitations
	operators   operators
	lookups     lookups
	searches    searches
	audit       auditRows
	catalogue   catalogue
	export      export
	erasure     erasure
	sessions    endedSessions
	statements  closedStatements
}

// settings are this function's own.
type settings struct {
	sessions  string // the table of the console's
	bootstrap string // who may make themselves the first operator, as operators have it
	perPerson int    // accounts that one person may have open
}

func settingsOf(vars *env.Vars) (settings, error) {
	most, err := env.Positive("ACCOUNTS_PER_PERSON", vars.Or("ACCOUNTS_PER_PERSON", "5"))
	own := settings{sessions: vars.Need("SESSIONS_TABLE"), bootstrap: vars.Or("BOOTSTRAP_OPERATOR", ""), perPerson: most}
	return own, errors.Join(vars.Err(), err)
}

// newHandler makes them on the two stores.
func newHandler(store *control.Store, people sessions.Ender, source env.Source, texts text.Secrets, products product.Catalogue, used web.KeyUse, s settings) *handler {
	return &handler{
		accounts: accounts{store, source, texts, s.perPerson, products}, members: members{store, source, texts}, invitations: invitations{store, source, texts, products},
		operators: operators{store, source, texts, s.bootstrap},
		lookups:   lookups{store, source, texts, products, used, web.Looks{Store: store, Source: source}}, searches: searches{store, source, products},
		audit: auditRows{store, source}, catalogue: catalogue{products},
		export: export{store, source, products, used}, erasure: erasure{store, source, texts},
		sessions: endedSessions{store, people, source, texts}, statements: closedStatements{store, source, texts},
	}
}

func (h *handler) routes(m *gateway.Mux) {
	m.Public("GET /openapi.yaml", h.catalogue.contract)
	m.Person("GET /v1/products", h.catalogue.listProducts)
	m.Person("GET /v1/me", h.accounts.me)
	m.Person("POST /v1/accounts", h.accounts.createAccount)
	m.Person("POST /v1/invitations/show", h.invitations.showInvitation)
	m.Person("POST /v1/invitations/accept", h.invitations.acceptInvitation)

	const one = "/v1/accounts/{account}"
	m.Account("GET "+one, h.accounts.getAccount, account.ReadKeys)
	m.Account("PATCH "+one, gateway.TakesIfMatch(h.accounts.editAccount), account.RenameAccount, account.SetAccountType, account.SetKeyLimit)
	m.Account("GET "+one+"/operations/{operation}", h.accounts.getOperation, account.ReadKeys)
	m.Account("GET "+one+"/policy", h.accounts.getPolicy, account.ReadKeys)
	m.Account("PUT "+one+"/policy", gateway.TakesIfMatch(h.accounts.putPolicy), account.SetPolicy)
	m.Account("POST "+one+"/close", h.accounts.closeAccount, account.LeaveService, account.CloseAccount)
	m.Account("GET "+one+"/export", h.export.exportAccount, account.LeaveService)
	m.Account("POST "+one+"/products/{product}/accept", h.accounts.acceptProduct, account.AcceptPaths)
	m.Account("GET "+one+"/audit", h.audit.listAudit, account.ReadAudit)
	m.Account("GET "+one+"/keys/{key}/audit", h.audit.listKeyAudit, account.ReadAudit)
	m.Account("GET "+one+"/members", h.members.listMembers, account.ReadMembers)
	m.Account("PUT "+one+"/members/{sub}", h.members.putMember, account.ManageMembers)
	m.Account("DELETE "+one+"/members/{sub}", h.members.deleteMember, account.ReadMembers) // oneself; others: ManageMembers
	m.Account("GET "+one+"/invitations", h.invitations.listInvitations, account.ManageMembers, account.LookUp)
	m.Account("POST "+one+"/invitations", h.invitations.createInvitation, account.ManageMembers)
	m.Account("DELETE "+one+"/invitations/{invitation}", gateway.NoBody(h.invitations.deleteInvitation), account.ManageMembers)

	m.Operator("GET /v1/operators", h.operators.listOperators, account.LookUp)
	m.Person("PUT /v1/operators/{sub}", h.operators.putOperator) // operators, and the first one
	m.Operator("GET /v1/operators/audit", h.audit.listOperatorsAudit, account.LookUp)
	m.Operator("DELETE /v1/operators/{sub}", h.operators.deleteOperator, account.ManageOperator)
	m.Operator("POST /v1/operator/people/erase", h.erasure.erasePerson, account.ErasePeople)
	m.Operator("POST /v1/operator/people/end-sessions", h.sessions.endSessions, account.EndSessions)
	m.Operator("POST /v1/operator/statements/{month}/close", h.statements.closeStatement, account.CloseStatement)
	m.OperatorList("GET /v1/operator/accounts", searched, h.lookups.findAccounts, account.LookUp)
	m.OperatorList("GET /v1/operator/overview", named("overview"), h.lookups.overview, account.LookUp)
	m.OperatorList("GET /v1/operator/blocked-keys", named("blocked_keys"), h.lookups.blockedKeys, account.LookUp)
	m.OperatorList("GET /v1/operator/exposed-keys", named("exposed_keys"), h.lookups.exposedKeys, account.LookUp)
	m.OperatorList("GET /v1/operator/suspended-accounts", named("suspended_accounts"), h.lookups.suspendedAccounts, account.LookUp)
	m.Account("POST /v1/operator/accounts/{account}/suspend", h.accounts.suspend, account.SuspendAccount)
	m.Account("POST /v1/operator/accounts/{account}/resume", gateway.NoBody(h.accounts.resume), account.SuspendAccount)
	m.Account("PUT /v1/operator/accounts/{account}/limits/{class}", gateway.TakesIfMatch(h.accounts.setLimit), account.SetLimits)
	m.Account("PUT /v1/operator/accounts/{account}/quotas/{group}", gateway.TakesIfMatch(h.accounts.setQuota), account.SetLimits)
	m.OperatorList("GET /v1/operator/keys", named("keys"), h.searches.searchKeys, account.LookUp)
	m.OperatorList("GET /v1/operator/members", named("members"), h.searches.searchMembers, account.LookUp)
	m.Operator("POST /v1/operator/keys/find", h.lookups.findBySecret, account.LookUp)
	m.Operator("GET /v1/operator/keys/{key}", h.lookups.findKey, account.LookUp)
	m.Operator("POST /v1/operator/keys/{key}/block", h.lookups.blockKey, account.BlockKeys)
	m.Operator("POST /v1/operator/keys/{key}/revoke", h.lookups.revokeKey, account.RevokeAnyKey)
	m.Operator("POST /v1/operator/keys/{key}/unblock", h.lookups.unblockKey, account.BlockKeys)
}

// subject is the person of the path, at the one issuer. It is good for looking somebody up; newSubject checks one that
// will be stored.
func subject(r *http.Request, c gateway.Principal) (account.Subject, error) {
	who, err := account.ParseSubject(c.Person.Subject.Issuer, r.PathValue("sub"))
	if err != nil {
		return who, gateway.Parameter("sub", "A subject must have 1 to 255 bytes, and no control characters.")
	}
	return who, nil
}

// maxIssuer bounds an issuer's URL.
const maxIssuer = 1000

const notAnIssuer = "It must be an issuer as the list shows it."

// isIssuer reports whether a text may be an issuer: none has the sign that stands between an issuer and a subject in the store.
func isIssuer(text string) bool { return len(text) <= maxIssuer && !strings.Contains(text, "|") }

// subjectAt is the person of the path, at the issuer that the query names as a list shows it, or at the stack's own. It reads the whole
// query.
func subjectAt(r *http.Request, c gateway.Principal) (account.Subject, error) {
	who, err := subject(r, c)
	if err == nil {
		err = gateway.KnownQuery(r, "issuer")
	}
	if err != nil {
		return who, err
	}
	named, err := gateway.Text(r, "issuer", maxIssuer)
	switch {
	case err != nil:
		return who, err
	case !isIssuer(named):
		return who, gateway.Parameter("issuer", notAnIssuer)
	case named != "":
		who.Issuer = named
	}
	return who, nil
}

// issuerBefore is a person's issuer to show: nil for the stack's own, which the caller is of.
func issuerBefore(c gateway.Principal, who account.Subject) *string {
	if who.Issuer == c.Person.Subject.Issuer {
		return nil
	}
	return &who.Issuer
}

// rowName is a person in an audit row of the caller's: the subject, behind the issuer where that isn't the stack's own.
func rowName(c gateway.Principal, who account.Subject) string {
	if issuerBefore(c, who) == nil {
		return who.ID
	}
	return who.WithIssuer()
}

// subjectOf is the person that a body names, at the one issuer. Like that of a path it is taken byte by byte. No token's
// subject holds a secret, so one that does is nobody's, and isn't noted.
func subjectOf(texts text.Secrets, c gateway.Principal, typed string) (account.Subject, error) {
	if texts.In(typed) {
		return account.Subject{}, gateway.Invalid(gateway.Field("subject", web.SecretInText, web.WhySecret))
	}
	who, err := account.ParseSubject(c.Person.Subject.Issuer, typed)
	switch {
	case errors.Is(err, account.ErrSubjectLength):
		return who, gateway.Invalid(gateway.Field("subject", "bad_length", "It must have 1 to 255 bytes."))
	case err != nil:
		return who, gateway.Invalid(gateway.Field("subject", "bad_character", "It must have no control characters."))
	}
	return who, nil
}

// newSubject checks a subject that will be stored. It is the issuer's, byte by byte, so one that reading it as a line
// would change is refused.
func newSubject(texts text.Secrets, who account.Subject) error {
	line, err := texts.ParseLine(who.ID, 1, account.MaxSubject)
	switch {
	case errors.Is(err, text.ErrSecret):
		return web.SecretInParameter("sub")
	case err != nil || line.String() != who.ID:
		return gateway.Parameter("sub", "It must be a subject as the issuer's tokens have it: 1 to 255 characters, none of them hidden, without blanks at the ends.")
	}
	return nil
}
