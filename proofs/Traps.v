(* Statements that look like the theorems and are false: why the code counts only full-dimensional regions, and why
   rows that are constant on a cell are no constraints. In words: enumeration.md. *)
From mathcomp Require Import all_ssreflect all_algebra.
From Lipverify Require Import Arith Networks Regions.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Traps.
Variable R : realFieldType.
Add Ring Rring3 : (ring_laws R).

Let ones k : 'cV[R]_k := const_mx 1.

(* FALSE VARIANT 1: "the norm of the Jacobian of every pattern that holds SOMEWHERE is a lower bound".
   relu(x) - relu(-x) = x has the constant 1; the pattern (active, active) holds at 0, and its Jacobian is 2. *)
Definition identity_network : net R 1 1 :=
  Hidden (\col_i (if i == 0 then 1 else -1) : 'M_(2, 1)) 0 0 (ones 2) (Output (\row_i (if i == 0 then 1 else -1)) 0).

Definition both_active : pattern identity_network := ([ffun => true], tt).

Theorem closed_cells_mislead :
  (exists x, in_cell both_active x) /\ lipschitz (@l1 R 1) (@l1 R 1) (@everywhere R 1) (eval identity_network) 1 /\
  ~ norm_at_most (@l1 R 1) (@l1 R 1) (jacobian both_active) 1.
Proof.
split; last split.
- by exists 0; split=> //= i; rewrite ffunE mulmx0 addr0 mxE /on_side lexx.
- move=> x y _ _; rewrite mul1r.
  suff ex z : eval identity_network z = z by rewrite !ex.
  apply/colP=> i; rewrite ord1 /= addr0 mxE !big_ord_recl big_ord0 !mxE !big_ord_recl !big_ord0 !mxE /bend /=.
  change (z ord0 0) with (z 0 0); move: (z 0 0) => a; rewrite !addr0 !mul1r !mulN1r oppr_ge0 !mul0r.
  have [a0|a0|->] := ltrgt0P a; first by rewrite oppr0 addr0.
    by rewrite opprK add0r.
  by rewrite ?(oppr0, addr0).
move=> /(_ (ones 1)); rewrite /l1 !big_ord_recl !big_ord0 /= !mxE !big_ord_recl !big_ord0 !mxE.
rewrite !big_ord_recl !big_ord0 /slope_of !mul_diag_mx !mxE !ffunE /=.
have -> : (1 * (1 * 1) + (-1 * (1 * -1) + 0)) * 1 + 0 = 1 + 1 :> R by mc_ring R.
rewrite !addr0 mul1r normr1 ger0_norm ?addr_ge0 ?ler01 // -subr_ge0 opprD addrA subrr add0r oppr_ge0.
by rewrite leNgt ltr01.
Qed.

(* FALSE VARIANT 2: "only regions where NO pre-activation vanishes count". A neuron whose row is constant 0 on a region
   forbids every point, although it does nothing: no such region is left, and the bound 0 would follow.
   relu(x) + relu(0) is not constant. *)
Fixpoint none_vanishes m n (N : net R m n) : 'cV[R]_n -> Prop :=
  match N with
  | Output _ _ _ => fun _ => True
  | Hidden _ _ W b l r rest => fun x =>
      (forall i, (W *m x + b) i 0 != 0) /\ none_vanishes rest (activate l r (W *m x + b))
  end.

Definition idle_network : net R 1 1 :=
  Hidden (\col_i (if i == 0 then 1 else 0) : 'M_(2, 1)) 0 0 (ones 2) (Output (\row_i 1) 0).

Theorem constant_rows_are_no_constraints :
  (forall x, ~ none_vanishes idle_network x) /\
  ~ lipschitz (@l1 R 1) (@l1 R 1) (@everywhere R 1) (eval idle_network) 0.
Proof.
split=> [x [/(_ (lift ord0 ord0))]|lip].
  by rewrite !mxE big_ord1 !mxE /= mul0r addr0 eqxx.
have := lip (ones 1) 0 I I; rewrite mul0r /l1 big_ord1 /= !mxE !big_ord_recl !big_ord0 !mxE !big_ord_recl !big_ord0 !mxE.
rewrite /bend /= !(mul0r, mul1r, mulr0, addr0) lexx ler01 !addr0 subr0 normr1.
by rewrite leNgt ltr01.
Qed.

End Traps.
