package main

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"text/template/parse"
)

// mutant is one change of one template.
type mutant struct {
	what, where  string
	change, undo func()
}

// mutants are all changes of a template. Each is made and taken back in the tree itself.
func mutants(name string, tree *parse.Tree) (all []mutant) {
	source := func(n parse.Node) string { return squeeze(n.String()) }
	line := func(n parse.Node) string {
		where, _ := tree.ErrorContext(n)
		parts := strings.Split(where, ":")
		return strings.TrimPrefix(parts[0], "templates/") + ":" + at(parts, 1)
	}
	add := func(n parse.Node, what string, change, undo func()) {
		all = append(all, mutant{name + ": " + what, line(n), change, undo})
	}
	constant := func(value string) *parse.PipeNode {
		parsed, err := parse.Parse("x", "{{"+value+"}}", "", "")
		if err != nil {
			panic(err)
		}
		return parsed["x"].Root.Nodes[0].(*parse.ActionNode).Pipe
	}
	var walk func(list *parse.ListNode)
	branch := func(b *parse.BranchNode, n parse.Node, kind string) {
		was, otherwise := b.Pipe, b.ElseList
		set := func(to *parse.PipeNode) func() { return func() { b.Pipe = to } }
		back := func() { b.Pipe = was }
		condition := kind + " " + source(was)
		switch {
		case kind == "if":
			add(n, condition+": always", set(constant("true")), back)
			add(n, condition+": never", set(constant("false")), back)
		case len(was.Decl) == 0:
			add(n, condition+": never", set(constant(`""`)), back)
		default:
			add(n, condition+": no body", func() { b.List = &parse.ListNode{NodeType: parse.NodeList} }, func() {})
			body := b.List
			all[len(all)-1].undo = func() { b.List = body }
		}
		if otherwise != nil {
			add(n, condition+": no else", func() { b.ElseList = nil }, func() { b.ElseList = otherwise })
			walk(otherwise)
		}
		walk(b.List)
	}
	walk = func(list *parse.ListNode) {
		var before *parse.ActionNode
		for i, n := range list.Nodes {
			drop := func() { list.Nodes[i] = &parse.TextNode{NodeType: parse.NodeText} }
			back := func() { list.Nodes[i] = n }
			switch node := n.(type) {
			case *parse.IfNode:
				branch(&node.BranchNode, n, "if")
			case *parse.WithNode:
				branch(&node.BranchNode, n, "with")
			case *parse.RangeNode:
				branch(&node.BranchNode, n, "range")
			case *parse.TemplateNode:
				add(n, "without "+source(n), drop, back)
			case *parse.ActionNode:
				if len(node.Pipe.Decl) > 0 {
					continue
				}
				add(n, "without "+source(n), drop, back)
				if before != nil && source(before) != source(node) {
					one, other := before, node
					swap := func() { one.Pipe, other.Pipe = other.Pipe, one.Pipe }
					add(n, source(one)+" and "+source(other)+" exchanged", swap, swap)
				}
				before = node
			case *parse.TextNode:
				attributes(list, i, node, add)
			}
		}
	}
	walk(tree.Root)
	return all
}

func squeeze(text string) string { return strings.TrimSpace(blanks.ReplaceAllString(text, " ")) }

var (
	wholeAttribute = regexp.MustCompile(`\s[a-z-]+(="[^"<>]*")?`)
	begunAttribute = regexp.MustCompile(`\s([a-z-]+)="[^"<>]*$`)
	hiddenField    = regexp.MustCompile(`<input type="hidden" name="$|<input type="hidden" name="[^"]*" value="$`)
)

// attributes adds the changes of a text: without each attribute of its tags, and without a hidden field that begins in it.
func attributes(list *parse.ListNode, i int, node *parse.TextNode, add func(parse.Node, string, func(), func())) {
	text := string(node.Text)
	back := func() { node.Text = []byte(text) }
	inTag := i > 0 && !strings.HasPrefix(text, "<") && endsInTag(list, i)
	for at, c := range []byte(text) {
		switch c {
		case '<':
			inTag = true
		case '>':
			inTag = false
		}
		if !inTag || c != ' ' && c != '\n' {
			continue
		}
		found := wholeAttribute.FindStringIndex(text[at:])
		if found == nil || found[0] != 0 || quotedAt(text, at) {
			continue
		}
		end := at + found[1]
		if begun := begunAttribute.FindString(text[at:]); begun != "" && strings.HasPrefix(text[at:], begun) {
			continue // its value goes on: below
		}
		if end < len(text) && !strings.ContainsRune(" \n/>", rune(text[end])) || end == len(text) && !strings.Contains(text[at:end], `"`) && i+1 < len(list.Nodes) && strings.HasSuffix(text, "=") {
			continue
		}
		add(node, "without "+squeeze(text[at:end])+" in "+around(text, at), func() { node.Text = []byte(text[:at] + text[end:]) }, back)
	}
	begun := begunAttribute.FindStringSubmatchIndex(text)
	if begun != nil {
		cut(list, i, begun[0], `"`, "without "+text[begun[2]:begun[3]]+" in "+around(text, begun[0]), add)
	}
	if hidden := hiddenField.FindStringIndex(text); hidden != nil {
		cut(list, i, hidden[0], ">", "without the field "+text[hidden[0]:], add)
	}
}

// cut adds a change that takes out what begins in the text i and ends behind the first end in a text after it.
func cut(list *parse.ListNode, i, from int, end, what string, add func(parse.Node, string, func(), func())) {
	node := list.Nodes[i].(*parse.TextNode)
	for j := i + 1; j < len(list.Nodes); j++ {
		last, ok := list.Nodes[j].(*parse.TextNode)
		if !ok {
			continue
		}
		to := bytes.Index(last.Text, []byte(end))
		if to < 0 {
			continue
		}
		was := slices.Clone(list.Nodes[i : j+1])
		first, final := string(node.Text), string(last.Text)
		add(node, what, func() {
			node.Text, last.Text = []byte(first[:from]), []byte(final[to+len(end):])
			for k := i + 1; k < j; k++ {
				list.Nodes[k] = &parse.TextNode{NodeType: parse.NodeText}
			}
		}, func() {
			node.Text, last.Text = []byte(first), []byte(final)
			copy(list.Nodes[i:], was)
		})
		return
	}
}

// endsInTag reports whether what is before a text ends within a tag.
func endsInTag(list *parse.ListNode, i int) bool {
	for j := i - 1; j >= 0; j-- {
		if text, ok := list.Nodes[j].(*parse.TextNode); ok && bytes.ContainsAny(text.Text, "<>") {
			return bytes.LastIndexByte(text.Text, '<') > bytes.LastIndexByte(text.Text, '>')
		}
	}
	return false
}

// quotedAt reports whether a place of a text is within a value.
func quotedAt(text string, at int) bool {
	start := max(strings.LastIndexByte(text[:at], '<'), 0)
	return strings.Count(text[start:at], `"`)%2 == 1
}

// around is the tag that a place of a text is in.
func around(text string, at int) string {
	start := max(strings.LastIndexByte(text[:at], '<'), 0)
	return squeeze(text[start:at])
}
