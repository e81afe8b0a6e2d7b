(* Coq's `ring` and `field` for MathComp's ordered fields: `Add Ring r : (ring_laws R).` in a section, then `mc_ring R`. *)
From mathcomp Require Import all_ssreflect all_algebra.
From Coq Require Export Ring Field.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Operations.
Variable R : realFieldType.
Definition fzero : R := 0.
Definition fone : R := 1.
Definition fadd (x y : R) : R := x + y.
Definition fmul (x y : R) : R := x * y.
Definition fsub (x y : R) : R := x - y.
Definition fopp (x : R) : R := - x.
Definition finv (x : R) : R := x^-1.
Definition fdiv (x y : R) : R := x / y.

Lemma ring_laws : ring_theory fzero fone fadd fmul fsub fopp (@eq R).
Proof.
split; rewrite /fzero /fone /fadd /fmul /fsub /fopp => *;
  [exact: add0r | exact: addrC | exact: addrA | exact: mul1r | exact: mulrC | exact: mulrA | exact: mulrDl | by [] |
   exact: addrN].
Qed.

Lemma field_laws : field_theory fzero fone fadd fmul fsub fopp fdiv finv (@eq R).
Proof.
split; [exact: ring_laws | by apply/eqP; exact: oner_neq0 | by [] | by move=> p /eqP p0; exact: mulVf].
Qed.
End Operations.

(* Whatever path of canonical structures led to an operation of R, name it by the one above. *)
Ltac to_ops R :=
  cbv beta;
  repeat match goal with
  | |- context [@GRing.add ?Z ?x (@GRing.opp ?Z' ?y)] => change (@GRing.add Z x (@GRing.opp Z' y)) with (@fsub R x y)
  | |- context [@GRing.add ?Z ?x ?y] => change (@GRing.add Z x y) with (@fadd R x y)
  | |- context [@GRing.opp ?Z ?x] => change (@GRing.opp Z x) with (@fopp R x)
  | |- context [@GRing.mul ?Z ?x (@GRing.inv ?Z' ?y)] => change (@GRing.mul Z x (@GRing.inv Z' y)) with (@fdiv R x y)
  | |- context [@GRing.mul ?Z ?x ?y] => change (@GRing.mul Z x y) with (@fmul R x y)
  | |- context [@GRing.inv ?Z ?x] => change (@GRing.inv Z x) with (@finv R x)
  | |- context [@GRing.exp ?Z ?x 2] => change (@GRing.exp Z x 2) with (@fmul R x x)
  | |- context [@GRing.zero ?Z] => change (@GRing.zero Z) with (@fzero R)
  | |- context [@GRing.one ?Z] => change (@GRing.one Z) with (@fone R)
  | |- context [@GRing.natmul ?Z (fone R) 2] => change (@GRing.natmul Z (fone R) 2) with (@fadd R (fone R) (fone R))
  | |- context [@GRing.natmul ?Z ?x 2] => change (@GRing.natmul Z x 2) with (@fadd R x x)
  end;
  try match goal with |- @eq _ ?x ?y => change (@eq (Num.RealField.sort R) x y) end.
Ltac entries_to_atoms R :=
  repeat match goal with |- context [@fun_of_matrix ?T ?m ?n ?A ?i ?j] =>
    lazymatch T with Num.RealField.sort R => fail | _ =>
      change (@fun_of_matrix T m n A i j) with (@fun_of_matrix (Num.RealField.sort R) m n A i j) end
  end;
  repeat match goal with |- context [@fun_of_matrix ?T ?m ?n ?A ?i ?j] =>
    let e := fresh "e" in
    pose (e := (@fun_of_matrix T m n A i j : Num.RealField.sort R)); change (@fun_of_matrix T m n A i j) with e;
    clearbody e
  end;
  repeat match goal with |- context [@fun_of_fin ?aT ?rT ?ph ?f ?x] =>
    let e := fresh "e" in
    pose (e := (@fun_of_fin aT rT ph f x : Num.RealField.sort R));
    change (@fun_of_fin aT rT ph f x) with e; clearbody e
  end.
Ltac mc_ring R := entries_to_atoms R; to_ops R; ring.
