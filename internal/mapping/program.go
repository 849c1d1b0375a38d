package mapping

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/types"
	"github.com/expr-lang/expr/vm"

	"github.com/tandemhub/tandem/record"
)

// The bounds of an expression. Its source is bounded because brackets nest without
// making nodes, and its work because loops over lists of a record can be nested.
const (
	maxSource = 4096
	maxNodes  = 500
	maxWork   = 4_000_000 // units: each step is worth some, each byte of a result one
	maxMemory = 100_000   // expr-lang's own count of list elements it makes
)

// runName is the name under which an expression's steps find the run; the names of steps
// and fields inside the compiled program cannot be written by a person.
const (
	runName     = "@run"
	stepPrefix  = "@"
	fieldPrefix = "."
)

// A program is a compiled expression over the fields of one side's object. It is
// immutable and may run in several goroutines at once.
type program struct {
	source  string
	side    record.Side
	code    *vm.Program
	uses    []record.Field // read directly
	lookups []string       // objects that a dot reaches into
	kin     []*kin         // arrays of records that refer to this one
	// partners is the object of whose records it comes to the partners; "" = it does not.
	partners string
	rates    Rates
}

// A run is one evaluation of a program.
type run struct {
	refs   Refs
	side   record.Side
	rates  Rates
	work   int
	missed bool // a record that a dot reached for is not in the mirror
}

var errWork = errors.New("the expression does too much")

func (r *run) charge(n int) error {
	if r.work += n; r.work > maxWork || n < 0 {
		return errWork
	}
	return nil
}

// compileExpr compiles an expression of a side's object, or says what is wrong with it.
func (c *compiler) compileExpr(path, source string, side record.Side) (*program, []Problem) {
	o := c.object(side)
	return c.compileOver(path, source, side, o, kinOf(o, c.in.Kin[side]))
}

// compileOver compiles an expression over the fields of an object of a side's account.
func (c *compiler) compileOver(path, source string, side record.Side, o record.Object, among []*kin) (*program, []Problem) {
	if len(source) > maxSource {
		return nil, []Problem{{Path: path, Text: fmt.Sprintf("the expression is longer than %d characters", maxSource)}}
	}
	p := &patcher{path: path, object: o, declared: map[string]bool{}, rates: c.in.Rates, kin: among,
		lists: map[ast.Node]*kin{}, ones: map[ast.Node]*kin{}, ofElement: map[ast.Node]*kin{}, explained: map[ast.Node]bool{}}
	code, err := compileBounded(source, p)
	if found := p.finish(); len(found) > 0 {
		return nil, found
	}
	if err != nil {
		return nil, []Problem{{Path: path, Text: syntaxText(err)}}
	}
	prog := &program{source: source, side: side, code: code, uses: p.uses, lookups: p.lookups, kin: p.used, partners: p.partners, rates: c.in.Rates}
	slices.Sort(prog.lookups)
	prog.lookups = slices.Compact(prog.lookups)
	return prog, nil
}

// compileBounded calls the library with all that an expression must not do taken away. A
// panic of its parser over a source that nobody thought of is that source's error.
func compileBounded(source string, p *patcher) (code *vm.Program, err error) {
	defer func() {
		if r := recover(); r != nil {
			code, err = nil, fmt.Errorf("the expression cannot be understood: %v", r)
		}
	}()
	env := types.Map{runName: types.Any}
	for _, f := range p.object.Fields {
		env[fieldPrefix+f.Name] = types.Any
	}
	for _, k := range p.kin {
		env[fieldPrefix+k.key()] = types.Any
	}
	options := []expr.Option{
		expr.Env(env), expr.MaxNodes(maxNodes), expr.Optimize(false), expr.AsAny(),
		expr.DisableAllBuiltins(), expr.Patch(p),
	}
	for _, name := range loops() {
		options = append(options, expr.EnableBuiltin(name))
	}
	for name, step := range steps() {
		options = append(options, expr.Function(stepPrefix+name, step.call))
	}
	return expr.Compile(source, options...)
}

// syntaxText takes the drawing out of the library's message, and keeps the place.
func syntaxText(err error) string {
	if at, ok := errors.AsType[*file.Error](err); ok {
		return fmt.Sprintf("column %d: %s", at.Column+1, at.Message)
	}
	return strings.TrimSpace(err.Error())
}

// eval runs the program over a record. An absent field and an empty one both read as the empty
// text. known is false if nothing that it reads is known at all, or if it
// needs a record that is not there: then there is no value, not an empty one (R11).
func (p *program) eval(f record.Fields, refs Refs) (out any, known bool, err error) {
	r := &run{refs: refs, side: p.side, rates: p.rates}
	env := make(map[string]any, len(p.uses)+1)
	env[runName] = r
	known = len(p.uses) == 0
	for _, field := range p.uses {
		v, ok := f[field.Name]
		known = known || ok
		env[fieldPrefix+field.Name] = operand(field, v)
	}
	for _, k := range p.kin {
		v, ok := f[k.key()]
		known, r.missed = known || ok, r.missed || !ok // R11: whose children nobody has looked for has not none
		env[fieldPrefix+k.key()] = k.operand(v)
	}
	machine := vm.VM{MemoryBudget: maxMemory}
	out, err = machine.Run(p.code, env)
	if err != nil {
		return nil, false, fmt.Errorf("evaluate %q: %w", p.source, runError(err))
	}
	return out, known && !r.missed, nil
}

func runError(err error) error {
	at, ok := errors.AsType[*file.Error](err)
	switch {
	case !ok:
		return err
	case at.Prev != nil:
		return at.Prev
	default:
		return errors.New(at.Message)
	}
}

// value runs the program for its result.
func (p *program) value(f record.Fields, refs Refs) (record.Value, bool, error) {
	out, known, err := p.eval(f, refs)
	if err != nil || !known {
		return record.Value{}, false, err
	}
	v, err := result(out)
	if err != nil {
		return record.Value{}, false, fmt.Errorf("evaluate %q: %w", p.source, err)
	}
	return v, true, nil
}

// truth runs the program as a filter.
func (p *program) truth(f record.Fields, refs Refs) (bool, error) {
	out, _, err := p.eval(f, refs)
	if err != nil {
		return false, err
	}
	is, err := truth(out)
	if err != nil {
		return false, fmt.Errorf("evaluate %q: %w", p.source, err)
	}
	return is, nil
}
