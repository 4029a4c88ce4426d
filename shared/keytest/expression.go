package keytest

import (
	"math/big"
	"reflect"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"latchkey/shared/dynamo"
)

// expression evaluates DynamoDB's conditions and updates on one item, as far as the stores use them. Anything else is
// refused, as are placeholders that are missing or unused.
type expression struct {
	item    dynamo.Item
	names   map[string]string
	values  dynamo.Item
	partial bool // names and values also serve another expression of the request

	tokens []string
	used   map[string]bool
	bad    string
}

func newExpression(item dynamo.Item, names map[string]string, values dynamo.Item) *expression {
	return &expression{item: item, names: names, values: values, used: map[string]bool{}}
}

// reserved are some of DynamoDB's reserved words: those that a record of this project might be tempted to use.
var reserved = strings.Fields(` action add all and any as at between by class close comment condition count current data
	date day end exists filter group hash hour in index is items key keys language last limit list local location minute
	month name names new not number of old on open or order owner partition path plan policy position private public
	range read region request reset resource response result role roles rule second session set shared size source start
	state status table text then time timestamp to token total ttl type unique update usage user users using uuid value
	values view when where window work year zone `)

// end reports what was wrong with the expressions that were evaluated.
func (e *expression) end() error {
	if e.bad == "" && !e.partial {
		for name := range e.names {
			if !e.used[name] {
				e.fail("unused " + name)
			}
		}
		for name := range e.values {
			if !e.used[name] {
				e.fail("unused " + name)
			}
		}
	}
	if e.bad != "" {
		return refuse("expression: %s", e.bad)
	}
	return nil
}

func (e *expression) fail(why string) {
	if e.bad == "" {
		e.bad = why
	}
	e.tokens = nil
}

func tokenize(text string) []string {
	for _, mark := range []string{"(", ")", ",", "+", "-"} {
		text = strings.ReplaceAll(text, mark, " "+mark+" ")
	}
	return strings.Fields(text)
}

func (e *expression) peek() string {
	if len(e.tokens) == 0 {
		return ""
	}
	return e.tokens[0]
}

func (e *expression) next() string {
	token := e.peek()
	if token != "" {
		e.tokens = e.tokens[1:]
	}
	return token
}

func (e *expression) accept(word string) bool {
	if strings.EqualFold(e.peek(), word) {
		e.next()
		return true
	}
	return false
}

func (e *expression) expect(word string) {
	if !e.accept(word) {
		e.fail("expected " + word + " before " + e.peek())
	}
}

func (e *expression) condition(text string) bool {
	e.tokens = tokenize(text)
	holds := e.or()
	if len(e.tokens) > 0 {
		e.fail("left over: " + e.peek())
	}
	return holds
}

// firstValue is the value of "name = :value" at the beginning of a key condition.
func (e *expression) firstValue(text string) types.AttributeValue {
	tokens := tokenize(text)
	if len(tokens) < 3 || tokens[1] != "=" {
		return nil
	}
	return e.values[tokens[2]]
}

func (e *expression) or() bool {
	holds := e.and()
	for e.accept("OR") {
		right := e.and()
		holds = holds || right
	}
	return holds
}

func (e *expression) and() bool {
	holds := e.not()
	for e.accept("AND") {
		right := e.not()
		holds = holds && right
	}
	return holds
}

func (e *expression) not() bool {
	if e.accept("NOT") {
		return !e.not()
	}
	if e.accept("(") {
		holds := e.or()
		e.expect(")")
		return holds
	}
	return e.comparison()
}

func (e *expression) comparison() bool {
	switch function := e.peek(); function {
	case "attribute_exists", "attribute_not_exists":
		e.next()
		e.expect("(")
		there := e.item[e.name()] != nil
		e.expect(")")
		return there == (function == "attribute_exists")
	case "begins_with":
		e.next()
		e.expect("(")
		whole, isText := e.operand().(*types.AttributeValueMemberS)
		e.expect(",")
		prefix, isPrefix := e.operand().(*types.AttributeValueMemberS)
		e.expect(")")
		return isText && isPrefix && strings.HasPrefix(whole.Value, prefix.Value)
	}
	if function := e.peek(); function == "contains" { // of a list; texts and sets aren't asked so
		e.next()
		e.expect("(")
		list, isList := e.operand().(*types.AttributeValueMemberL)
		e.expect(",")
		one := e.operand()
		e.expect(")")
		return isList && slices.ContainsFunc(list.Value, func(v types.AttributeValue) bool { return reflect.DeepEqual(v, one) })
	}
	left := e.operand()
	operator := e.next()
	if strings.EqualFold(operator, "BETWEEN") {
		low := e.operand()
		e.expect("AND")
		high := e.operand()
		below, above := compareValues(low, left), compareValues(left, high)
		return below != -2 && above != -2 && below <= 0 && above <= 0
	}
	return compare(left, operator, e.operand(), e)
}

func compare(left types.AttributeValue, operator string, right types.AttributeValue, e *expression) bool {
	if left == nil || right == nil {
		return operator == "<>" && (left == nil) != (right == nil)
	}
	if l, ok := left.(*types.AttributeValueMemberBOOL); ok {
		r, ok := right.(*types.AttributeValueMemberBOOL)
		same := ok && l.Value == r.Value
		return operator == "=" && same || operator == "<>" && !same
	}
	c := compareValues(left, right)
	switch operator {
	case "=":
		return c == 0
	case "<>":
		return c != 0
	case "<":
		return c == -1
	case "<=":
		return c == -1 || c == 0
	case ">":
		return c == 1
	case ">=":
		return c == 1 || c == 0
	default:
		e.fail("operator " + operator)
		return false
	}
}

// name reads an attribute's name, given by a placeholder or written out.
func (e *expression) name() string {
	token := e.next()
	switch {
	case strings.HasPrefix(token, "#"):
		e.used[token] = true
		if e.names[token] == "" {
			e.fail("undefined " + token)
		}
		return e.names[token]
	case token == "" || strings.ContainsAny(token, ":()=<>.[]"):
		e.fail("not an attribute: " + token)
	}
	for _, word := range reserved {
		if strings.EqualFold(word, token) {
			e.fail("reserved word " + token)
		}
	}
	return token
}

func (e *expression) operand() types.AttributeValue {
	token := e.peek()
	if strings.HasPrefix(token, ":") {
		e.next()
		e.used[token] = true
		if e.values[token] == nil {
			e.fail("undefined " + token)
		}
		return e.values[token]
	}
	if e.accept("if_not_exists") {
		e.expect("(")
		there := e.item[e.name()]
		e.expect(",")
		otherwise := e.operand()
		e.expect(")")
		if there != nil {
			return there
		}
		return otherwise
	}
	return e.item[e.name()]
}

// update applies SET, ADD and REMOVE clauses to a copy of the item; they all see the item as it was.
func (e *expression) update(text string, target dynamo.Item) {
	e.tokens = tokenize(text)
	for len(e.tokens) > 0 && e.bad == "" {
		switch clause := strings.ToUpper(e.next()); clause {
		case "SET":
			e.list(func() { e.assign(target) })
		case "ADD":
			e.list(func() {
				name := e.name()
				target[name] = e.sum(e.item[name], e.operand(), "+")
			})
		case "REMOVE":
			e.list(func() { delete(target, e.name()) })
		default:
			e.fail("clause " + clause)
		}
	}
}

func (e *expression) list(one func()) {
	one()
	for e.accept(",") {
		one()
	}
}

func (e *expression) assign(target dynamo.Item) {
	name := e.name()
	e.expect("=")
	value := e.operand()
	if operator := e.peek(); operator == "+" || operator == "-" {
		e.next()
		if value == nil {
			e.fail("arithmetic on an attribute that doesn't exist")
		}
		value = e.sum(value, e.operand(), operator)
	}
	if value == nil {
		e.fail("no value for " + name)
		return
	}
	target[name] = value
}

func (e *expression) sum(left, right types.AttributeValue, operator string) types.AttributeValue {
	x, y := e.number(left), e.number(right)
	if operator == "-" {
		y.Neg(y)
	}
	sum := x.Add(x, y)
	text := sum.RatString()
	if !sum.IsInt() {
		text = sum.FloatString(18)
	}
	return &types.AttributeValueMemberN{Value: text}
}

func (e *expression) number(v types.AttributeValue) *big.Rat {
	if v == nil {
		return new(big.Rat)
	}
	if n, ok := v.(*types.AttributeValueMemberN); ok {
		if r, ok := new(big.Rat).SetString(n.Value); ok {
			return r
		}
	}
	e.fail("not a number")
	return new(big.Rat)
}
